import { dirname, join, relative } from "node:path";
import tseslint from "typescript-eslint";

const root = import.meta.dirname;

/** What a folder may import of the others: arrows go downwards only. Nobody imports what isn't listed, such as index.ts. */
const pure = ["node:crypto", "node:net", "node:path", "node:url", "node:util", "zod"];
const layers = {
  lib: { folders: [], packages: ["node:"] },
  model: { folders: ["lib"], packages: pure },
  "nginx/render": { folders: ["model", "lib"], packages: pure },
  rollout: { folders: ["nginx/render", "model", "lib"], packages: ["node:", "diff", "zod"] },
  components: { folders: ["rollout", "nginx/render", "model", "lib"], packages: ["node:", "@pulumi/"] },
};
const below = (path, folder) => path.startsWith(`${folder}/`);

const downwards = {
  create(context) {
    const file = relative(root, context.filename);
    const [layer, own] = Object.entries(layers).find(([folder]) => below(file, folder)) ?? [];
    const check = ({ source }) => {
      const wanted = source?.value;
      if (own === undefined || typeof wanted !== "string") return;
      const isFile = wanted.startsWith(".");
      const path = isFile ? relative(root, join(dirname(context.filename), wanted)) : wanted;
      const isAllowed = isFile
        ? [layer, ...own.folders].some((folder) => below(path, folder))
        : own.packages.some((name) => path === name || (/[:/]$/.test(name) && path.startsWith(name)));
      if (isAllowed) return;
      const allowed = (isFile ? own.folders : own.packages).join(", ") || "no other folder";
      context.report({ node: source, message: `${layer}/ imports ${path}; it may import ${allowed}.` });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

export default tseslint.config(
  { ignores: ["node_modules/", "bench/out/"] },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strict],
    plugins: { layers: { rules: { downwards } } },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/prefer-nullish-coalescing": "error",
      eqeqeq: "error",
      "layers/downwards": "error",
    },
  },
  {
    files: ["*.ts", "{components,lib,model,nginx,rollout,scripts}/**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    rules: {
      // Numbers in messages, and an arrow that ends with a call, are as they read.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ["test/**"],
    rules: {
      "no-restricted-globals": ["error", "describe", "it", "before", "after", "beforeEach", "afterEach"],
    },
  },
);

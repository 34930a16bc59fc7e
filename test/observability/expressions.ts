import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../scripts/setup/project";

/** What an expression of Prometheus names. */
export interface Names {
  /** Metrics, each with the labels that its selector has. */
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[];
  /** Labels of `by`, `on` and their like. */
  readonly grouped: readonly string[];
}

/** The exporter's metrics that rules and dashboards may name; its real answer is compared with them in test/faults. */
export const exporterMetrics = [
  ...["active", "reading", "waiting", "writing", "accepted", "handled"].map((name) => `nginx_connections_${name}`),
  ...["nginx_http_requests_total", "nginx_up"],
];

/** Metrics of mtail's program, of the exporters and of Prometheus itself, each with its labels. */
export function knownMetrics(): Map<string, readonly string[]> {
  const known = new Map<string, readonly string[]>();
  const always = ["job", "instance"];
  for (const name of [...exporterMetrics, "up", "mtail_lines_total", "process_resident_memory_bytes"])
    known.set(name, always);
  const program = readFileSync(join(projectRoot, "nginx/metrics/metrics.mtail"), "utf8");
  for (const [, kind, name = "", by = ""] of program.matchAll(
    /^(counter|gauge|histogram) (\w+)(?: by ([a-z]+(?:, [a-z]+)*))?/gm,
  )) {
    const labels = [...always, ...by.split(", ").filter(Boolean)];
    if (kind !== "histogram") known.set(name, labels);
    else {
      known.set(`${name}_bucket`, [...labels, "le"]);
      for (const end of ["count", "sum"]) known.set(`${name}_${end}`, labels);
    }
  }
  return known;
}

const words = new Set(["and", "or", "unless", "bool", "offset"]);

/** The names in an expression: as far as is needed for those here, without Prometheus' whole grammar. */
export function namesIn(expression: string): Names {
  const grouped: string[] = [];
  const rest = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_, list: string) => {
      grouped.push(...list.split(/[\s,]+/).filter(Boolean));
      return " ";
    })
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\boffset\s+\w+/g, "");
  const metrics = [...rest.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)\s*(\(|\{([^}]*)\})?/g)]
    .filter(([, name = "", after]) => after !== "(" && !words.has(name))
    .map(([, name = "", , selector = ""]) => ({
      name,
      labels: [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    }));
  return { metrics, grouped };
}

/**
 * What is wrong with an expression's names; empty for nothing.
 *
 * @param shown labels that texts beside it show
 */
export function faultsOf(expression: string, shown: readonly string[] = []): string[] {
  const known = knownMetrics();
  const { metrics, grouped } = namesIn(expression);
  if (metrics.length === 0) return [`${expression}: it names no metric`];
  const every = metrics.flatMap(({ name }) => known.get(name) ?? []);
  const lost = metrics.flatMap(({ name, labels }) => {
    const has = known.get(name);
    if (has === undefined) return [`${expression}: there is no metric ${name}`];
    return [...labels, ...grouped]
      .filter((label) => !has.includes(label))
      .map((label) => `${expression}: ${name} has no label ${label}`);
  });
  // Summed up, only those that it is summed up by are left.
  const left = /\b(?:sum|max|min|count|avg)\b/.test(expression) ? grouped : every;
  const missing = shown.filter((label) => !left.includes(label));
  return [...lost, ...missing.map((label) => `${expression}: ${label} is shown, which it has not`)];
}

/** An expression as it is in docs/observability, with what it is for and the labels that are shown with it. */
export interface Expression {
  readonly title: string;
  readonly expression: string;
  readonly shown: readonly string[];
}

const read = (name: string) => readFileSync(join(projectRoot, "docs", "observability", name), "utf8");

/** The alert rules, each with its text. */
export function alerts(): (Expression & { readonly text: string })[] {
  const rules = read("alerts.yml").split(/^ +- alert: /m);
  return rules.slice(1).map((text) => ({
    text,
    title: text.split("\n")[0] ?? "",
    expression: /^ +expr: (.+)$/m.exec(text)?.[1] ?? "",
    shown: [...text.matchAll(/\$labels\.(\w+)/g)].map(([, label = ""]) => label),
  }));
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

/** What is read here of Grafana's dashboard. */
export interface Dashboard {
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[];
  };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

export function dashboard(): Dashboard {
  return JSON.parse(read("grafana.json")) as Dashboard;
}

/** The dashboard's expressions, with their variables. */
export function dashboardExpressions(): Expression[] {
  const { panels, annotations } = dashboard();
  const ofPanels = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      title,
      expression: expr,
      shown: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label),
    })),
  );
  return [...ofPanels, ...annotations.list.map(({ name, expr }) => ({ title: name, expression: expr, shown: [] }))];
}

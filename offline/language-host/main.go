// Command pulumi-language-nodejs starts the Node.js language host of Pulumi SDK 3.60.0 for today's engine.
//
// Since then the engine has moved the project's runtime options (Pulumi.yaml: runtime.options) from command line flags,
// which that host reads, into its requests, which it doesn't. This launcher reads them from Pulumi.yaml and passes the
// flags, so that the options mean the same with the built host as with the official one.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"gopkg.in/yaml.v3"
)

// hostSuffix names the language host itself, which lies beside this launcher.
const hostSuffix = "-3.60.0"

type project struct {
	Runtime struct {
		Options struct {
			TypeScript *bool  `yaml:"typescript"`
			TSConfig   string `yaml:"tsconfig"`
			NodeArgs   string `yaml:"nodeargs"`
		} `yaml:"options"`
	} `yaml:"runtime"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-language-nodejs: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	launcher, err := os.Executable()
	if err != nil {
		return err
	}
	directory, err := os.Getwd()
	if err != nil {
		return err
	}
	flags, err := runtimeFlags(directory)
	if err != nil {
		return err
	}
	host := launcher + hostSuffix
	return syscall.Exec(host, append(append([]string{host}, flags...), os.Args[1:]...), os.Environ())
}

// runtimeFlags gives the flags for the options of the project that holds the directory; none outside of a project.
func runtimeFlags(directory string) ([]string, error) {
	text, path, err := findProject(directory)
	if err != nil || text == nil {
		return nil, err
	}
	var p project
	// `runtime: nodejs` is short for a runtime without options.
	var typeError *yaml.TypeError
	if err := yaml.Unmarshal(text, &p); err != nil && !errors.As(err, &typeError) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var flags []string
	if options := p.Runtime.Options; options.TypeScript != nil {
		flags = append(flags, fmt.Sprintf("-typescript=%t", *options.TypeScript))
	}
	if tsconfig := p.Runtime.Options.TSConfig; tsconfig != "" {
		flags = append(flags, "-tsconfig="+tsconfig)
	}
	if nodeArgs := p.Runtime.Options.NodeArgs; nodeArgs != "" {
		flags = append(flags, "-nodeargs="+nodeArgs)
	}
	return flags, nil
}

// findProject reads the Pulumi.yaml of the directory or the nearest one above it.
func findProject(directory string) (text []byte, path string, err error) {
	for {
		for _, name := range []string{"Pulumi.yaml", "Pulumi.yml"} {
			path = filepath.Join(directory, name)
			text, err = os.ReadFile(path)
			if err == nil || !errors.Is(err, os.ErrNotExist) {
				return text, path, err
			}
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return nil, "", nil
		}
		directory = parent
	}
}

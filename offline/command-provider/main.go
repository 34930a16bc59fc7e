// Command pulumi-resource-command is the Command provider for machines that can't download the official plugin.
//
// It serves the local part of the package, command:local:Command and command:local:run, and nothing of the remote part.
package main

import (
	"context"
	"log"

	"github.com/pulumi/pulumi-go-provider/infer"

	"nginx-load-balancer/offline/command-provider/local"
)

// version is set at link time to that of the npm package which the plugin serves.
var version = "0.0.0-dev"

func main() {
	provider, err := infer.NewProviderBuilder().
		WithDisplayName("Command").
		WithDescription("Runs local commands as resources").
		WithLicense("Apache-2.0").
		WithNamespace("pulumi").
		WithResources(infer.Resource(local.Command{})).
		WithFunctions(infer.Function(local.Run{})).
		Build()
	if err == nil {
		err = provider.Run(context.Background(), "command", version)
	}
	if err != nil {
		log.Fatal(err)
	}
}

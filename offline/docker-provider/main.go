// Command pulumi-resource-docker is the Docker provider for machines that can't download the official plugin.
//
// It is made of the same parts, the Terraform Docker provider behind the Pulumi Terraform bridge, and has the same type
// tokens, property names and defaults. What the official plugin has beyond the bridge, docker.Image, it lacks.
package main

import (
	"encoding/json"
	"log"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	terraform "github.com/terraform-providers/terraform-provider-docker/shim"
)

const (
	pkg    = "docker"
	module = "index"
)

// version is set at link time to that of the npm package which the plugin serves.
var version = "0.0.0-dev"

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(terraform.NewProvider(version)),
		Name:    pkg,
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth"},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_config": {Tok: tfbridge.MakeResource(pkg, module, "ServiceConfig")},
			"docker_container": {
				Tok:                 tfbridge.MakeResource(pkg, module, "Container"),
				DeleteBeforeReplace: true,
				Fields: map[string]*tfbridge.SchemaInfo{
					// Without an entry the bridge would pluralise them.
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
			"docker_image": {
				Tok: tfbridge.MakeResource(pkg, module, "RemoteImage"),
				Fields: map[string]*tfbridge.SchemaInfo{
					// An entry keeps the name, which is an image reference, from being autonamed.
					"name": {Name: "name"},
				},
			},
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image": {Tok: tfbridge.MakeDataSource(pkg, module, "getRemoteImage")},
		},
	}
	info.MustComputeTokens(tokens.SingleModule(pkg+"_", module, tokens.MakeStandard(pkg)))
	info.SetAutonaming(255, "-")
	return info
}

// schema lists what the provider serves, as far as the bridge knows it without the generator's documentation: type and
// function tokens, and the resources' properties, without types.
func schema(info tfbridge.ProviderInfo) ([]byte, error) {
	type object = map[string]any
	anything := object{"$ref": "pulumi.json#/Any"}
	resources, functions := object{}, object{}
	for name, resource := range info.Resources {
		fields := info.P.ResourcesMap().Get(name).Schema()
		properties := object{}
		fields.Range(func(field string, _ shim.Schema) bool {
			properties[tfbridge.TerraformToPulumiNameV2(field, fields, resource.Fields)] = anything
			return true
		})
		delete(properties, "id")
		resources[string(resource.Tok)] = object{"properties": properties}
	}
	for _, function := range info.DataSources {
		functions[string(function.Tok)] = object{}
	}
	return json.Marshal(object{
		"name": pkg, "version": version, "resources": resources, "functions": functions,
		// The part of a token's module after the slash isn't part of the module's name.
		"meta": object{"moduleFormat": "(.*)(?:/[^/]*)"},
	})
}

func main() {
	info := provider()
	served, err := schema(info)
	if err != nil {
		log.Fatal(err)
	}
	tfbridge.Main(pkg, version, info, served)
}

// Package shim hands out the constructor of the Terraform Docker provider.
//
// The constructor is in an internal package, which only code below the provider's own module path may import. This
// nested module has such a path.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// NewProvider returns the Terraform Docker provider, reporting the given version to the registries it talks to.
func NewProvider(version string) *schema.Provider {
	return provider.New(version)()
}

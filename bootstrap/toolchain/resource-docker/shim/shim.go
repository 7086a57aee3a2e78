// Package shim lies inside the provider's import path, which is what lets it reach the provider's internal package.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// New returns the Terraform Docker provider.
func New(version string) *schema.Provider { return provider.New(version)() }

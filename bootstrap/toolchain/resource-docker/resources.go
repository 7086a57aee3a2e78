package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

const longestName = 255

// providerInfo maps the resources that the stack declares to the names that @pulumi/docker uses for them.
func providerInfo(version string) tfbridge.ProviderInfo {
	return tfbridge.ProviderInfo{
		P:                 shimv2.NewProvider(shim.New(version)),
		Name:              "docker",
		Version:           version,
		TFProviderVersion: "2.23.0",
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_container": {
				Tok:                 token("container", "Container"),
				DeleteBeforeReplace: true,
				Fields: map[string]*tfbridge.SchemaInfo{
					"name":              tfbridge.AutoName("name", longestName, "-"),
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
			"docker_image": {
				Tok: token("remoteImage", "RemoteImage"),
				Fields: map[string]*tfbridge.SchemaInfo{
					"build": {Elem: &tfbridge.SchemaInfo{Fields: map[string]*tfbridge.SchemaInfo{
						"path":      {Name: "context"},
						"tag":       {Name: "tags"},
						"build_arg": {Name: "buildArgs"},
						"label":     {Name: "labels"},
					}}},
				},
			},
			"docker_network": {
				Tok:    token("network", "Network"),
				Fields: map[string]*tfbridge.SchemaInfo{"name": tfbridge.AutoName("name", longestName, "-")},
			},
			"docker_tag": {Tok: token("tag", "Tag")},
			"docker_volume": {
				Tok:    token("volume", "Volume"),
				Fields: map[string]*tfbridge.SchemaInfo{"name": tfbridge.AutoName("name", longestName, "-")},
			},
		},
	}
}

func token(module, resource string) tokens.Type {
	return tokens.Type("docker:index/" + module + ":" + resource)
}

// Pulumi plugin for Docker containers, images, networks and volumes: the Terraform Docker provider 2.23 behind
// Pulumi's bridge. Stand-in for the official pulumi-resource-docker where its download cannot be reached; it has
// only the resources of resources.go, no schema, no functions and no native docker.Image.
package main

import "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

// Set at link time to the version of the npm package @pulumi/docker that it serves.
var version = "0.0.0-dev"

func main() {
	tfbridge.Main("docker", version, providerInfo(version), nil)
}

// Pulumi plugin with one resource, command:local:Command, written from the schema of @pulumi/command.
// Replaces the official pulumi-resource-command if its download cannot be reached; it has no remote
// commands, no functions, and refuses assetPaths and archivePaths.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Set at link time to the version of the npm package @pulumi/command that it serves.
var version = "0.0.0-dev"

func main() {
	provider, err := infer.NewProviderBuilder().WithResources(infer.Resource(&Command{})).Build()
	if err == nil {
		err = provider.Run(context.Background(), "command", version)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-resource-command: %v\n", err)
		os.Exit(1)
	}
}

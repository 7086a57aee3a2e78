// Package shim lies inside the provider's import path, which is what lets it reach the provider's internal package.
package shim

import (
	"context"
	"strings"

	"github.com/docker/docker/client"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// newestAPI is the newest version of Docker's API that the provider's requests were tried with.
const newestAPI = "1.44"

// New returns the Terraform Docker provider, made fit for engines that are newer than it.
func New(version string) *schema.Provider {
	docker := provider.New(version)()
	docker.ConfigureContextFunc = speakingNewerAPI(docker.ConfigureContextFunc, version)
	container := docker.ResourcesMap["docker_container"]
	container.ReadContext = keepingStopped(container.ReadContext)
	container.Schema["network_mode"].DiffSuppressFunc = isSameNetworkMode
	return docker
}

// speakingNewerAPI speaks newestAPI to an engine that refuses the client's own, which is 1.41.
func speakingNewerAPI(configure schema.ConfigureContextFunc, version string) schema.ConfigureContextFunc {
	return func(ctx context.Context, data *schema.ResourceData) (any, diag.Diagnostics) {
		meta, problems := configure(ctx, data)
		if problems.HasError() {
			return meta, problems
		}
		engine := meta.(*provider.ProviderConfig).DockerClient
		if !isTooOld(ctx, engine) {
			return meta, problems
		}
		if err := client.WithVersion(newestAPI)(engine); err != nil {
			return nil, diag.FromErr(err)
		}
		// Refused here: the provider takes a network that it cannot read for one that is gone.
		if isTooOld(ctx, engine) {
			return nil, diag.Errorf("the docker plugin that was built here speaks API %s at most; this engine asks for a newer one. "+
				"Run: pulumi plugin install resource docker %s, then ./gatewayctl toolchain --renew", newestAPI, version)
		}
		return meta, problems
	}
}

// isTooOld leaves other failures to the requests that follow.
func isTooOld(ctx context.Context, engine *client.Client) bool {
	_, err := engine.ServerVersion(ctx)
	return err != nil && strings.Contains(err.Error(), "is too old")
}

// keepingStopped reads a container that does not run, which the provider deletes: must_run then differs from what is
// declared, as with later versions of the provider. Ports are kept, since Docker shows none of a container that is down.
func keepingStopped(read schema.ReadContextFunc) schema.ReadContextFunc {
	return func(ctx context.Context, data *schema.ResourceData, meta any) diag.Diagnostics {
		ports := data.Get("ports")
		if err := data.Set("must_run", false); err != nil {
			return diag.FromErr(err)
		}
		problems := read(ctx, data, meta)
		if problems.HasError() || data.Id() == "" {
			return problems
		}
		found, err := meta.(*provider.ProviderConfig).DockerClient.ContainerInspect(ctx, data.Id())
		if client.IsErrNotFound(err) {
			data.SetId("")
			return problems
		}
		if err != nil {
			return append(problems, diag.FromErr(err)...)
		}
		if err := data.Set("must_run", found.State.Running); err != nil {
			return diag.FromErr(err)
		}
		if found.State.Running && !found.State.Restarting {
			return problems
		}
		return append(problems, diag.FromErr(data.Set("ports", ports))...)
	}
}

// isSameNetworkMode: engines name the network of a container that names none "default", since 26.0 "bridge".
func isSameNetworkMode(_, before, after string, _ *schema.ResourceData) bool {
	named := func(mode string) string {
		if mode == "" || mode == "default" {
			return "bridge"
		}
		return mode
	}
	return named(before) == named(after)
}

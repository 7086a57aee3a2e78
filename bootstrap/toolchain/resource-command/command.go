package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Command runs one local command when it is created, changed and deleted.
type Command struct{}

// CommandArgs are the inputs of local.Command; names and meaning are those of @pulumi/command.
type CommandArgs struct {
	Create      *string           `pulumi:"create,optional"`
	Update      *string           `pulumi:"update,optional"`
	Delete      *string           `pulumi:"delete,optional"`
	Interpreter []string          `pulumi:"interpreter,optional"`
	Dir         *string           `pulumi:"dir,optional"`
	Environment map[string]string `pulumi:"environment,optional"`
	Stdin       *string           `pulumi:"stdin,optional"`
	Logging     *Logging          `pulumi:"logging,optional"`
	Triggers    []any             `pulumi:"triggers,optional"    provider:"replaceOnChanges"`

	AddPreviousOutputInEnv *bool `pulumi:"addPreviousOutputInEnv,optional"`

	// Declared so that Check can refuse them by name.
	AssetPaths   []string `pulumi:"assetPaths,optional"`
	ArchivePaths []string `pulumi:"archivePaths,optional"`
}

// CommandState is what is kept between runs: the inputs and the output of the last command.
type CommandState struct {
	CommandArgs
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Annotate sets the token.
func (*Command) Annotate(a infer.Annotator) { a.SetToken("local", "Command") }

// Annotate sets the default that the official plugin writes into the state as well.
func (c *CommandArgs) Annotate(a infer.Annotator) { a.SetDefault(&c.AddPreviousOutputInEnv, true) }

// Check refuses what this plugin does not support.
func (*Command) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[CommandArgs], error) {
	args, failures, err := infer.DefaultCheck[CommandArgs](ctx, req.NewInputs)
	if err != nil {
		return infer.CheckResponse[CommandArgs]{}, err
	}
	for name, paths := range map[string][]string{"assetPaths": args.AssetPaths, "archivePaths": args.ArchivePaths} {
		if len(paths) > 0 {
			failures = append(failures, p.CheckFailure{Property: name, Reason: "not supported by the Go-built " +
				"command plugin; use stdout or the official plugin"})
		}
	}
	if args.Logging != nil && !args.Logging.isKnown() {
		failures = append(failures, p.CheckFailure{Property: "logging", Reason: fmt.Sprintf(
			"must be stdout, stderr, stdoutAndStderr or none (got %q)", *args.Logging)})
	}
	return infer.CheckResponse[CommandArgs]{Inputs: args, Failures: failures}, nil
}

// Create runs the create command; a preview runs nothing.
func (*Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandArgs],
) (infer.CreateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs}
	if req.DryRun {
		return infer.CreateResponse[CommandState]{Output: state}, nil
	}
	if err := state.execute(ctx, req.Inputs.Create); err != nil {
		return infer.CreateResponse[CommandState]{}, err
	}
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return infer.CreateResponse[CommandState]{}, err
	}
	return infer.CreateResponse[CommandState]{ID: req.Name + hex.EncodeToString(suffix), Output: state}, nil
}

// Update runs the update command, or the create command if there is none.
func (*Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandArgs, CommandState],
) (infer.UpdateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs, Stdout: req.State.Stdout, Stderr: req.State.Stderr}
	command := req.Inputs.Update
	if command == nil {
		command = req.Inputs.Create
	}
	if !req.DryRun {
		if err := state.execute(ctx, command); err != nil {
			return infer.UpdateResponse[CommandState]{}, err
		}
	}
	return infer.UpdateResponse[CommandState]{Output: state}, nil
}

// Delete runs the delete command, if there is one.
func (*Command) Delete(ctx context.Context, req infer.DeleteRequest[CommandState]) (infer.DeleteResponse, error) {
	return infer.DeleteResponse{}, req.State.execute(ctx, req.State.Delete)
}

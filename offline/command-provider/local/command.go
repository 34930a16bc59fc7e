// Package local holds what the Command provider runs on the machine of the engine.
package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Command is the resource command:local:Command.
type Command struct{}

// CommandArgs are the inputs of a Command.
type CommandArgs struct {
	Settings
	// Run when the resource is created.
	Create *string `pulumi:"create,optional"`
	// Run when an input has changed; without it Create is.
	Update *string `pulumi:"update,optional"`
	// Run when the resource is deleted.
	Delete *string `pulumi:"delete,optional"`
	// A change of any of these values replaces the resource.
	Triggers *[]any `pulumi:"triggers,optional" provider:"replaceOnChanges"`
}

// CommandState is the state of a Command: its inputs, and the results of the last Create or Update.
type CommandState struct {
	CommandArgs
	Results
}

// Create runs the create command. In a preview nothing is run, and the results are unknown.
func (Command) Create(
	ctx context.Context, req infer.CreateRequest[CommandArgs],
) (infer.CreateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun && req.Inputs.Create != nil {
		state.Results, err = execute(ctx, *req.Inputs.Create, req.Inputs.Settings, Results{})
	}
	return infer.CreateResponse[CommandState]{ID: id, Output: state}, err
}

// Update runs the update command, or the create command if there is none. With neither, the results stay as they were.
func (Command) Update(
	ctx context.Context, req infer.UpdateRequest[CommandArgs, CommandState],
) (infer.UpdateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs, Results: req.State.Results}
	command := req.Inputs.Update
	if command == nil {
		command = req.Inputs.Create
	}
	var err error
	if !req.DryRun && command != nil {
		state.Results, err = execute(ctx, *command, req.Inputs.Settings, req.State.Results)
	}
	return infer.UpdateResponse[CommandState]{Output: state}, err
}

// Delete runs the delete command, if there is one.
func (Command) Delete(ctx context.Context, req infer.DeleteRequest[CommandState]) (infer.DeleteResponse, error) {
	var err error
	if req.State.Delete != nil {
		_, err = execute(ctx, *req.State.Delete, req.State.Settings, req.State.Results)
	}
	return infer.DeleteResponse{}, err
}

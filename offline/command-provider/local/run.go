package local

import (
	"context"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Run is the function command:local:run.
type Run struct{}

// RunArgs are the arguments of Run.
type RunArgs struct {
	Settings
	Command string `pulumi:"command"`
}

// RunResult is the answer of Run: its arguments and what came of them.
type RunResult struct {
	RunArgs
	Results
}

// Invoke runs the command, in previews too.
func (Run) Invoke(
	ctx context.Context, req infer.FunctionRequest[RunArgs],
) (infer.FunctionResponse[RunResult], error) {
	results, err := execute(ctx, req.Input.Command, req.Input.Settings, Results{})
	return infer.FunctionResponse[RunResult]{Output: RunResult{RunArgs: req.Input, Results: results}}, err
}

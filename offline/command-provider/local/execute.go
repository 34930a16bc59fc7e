package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
)

// Settings say how a command is run.
type Settings struct {
	// The program that runs the command, and its first arguments; default: /bin/sh -c.
	Interpreter *[]string `pulumi:"interpreter,optional"`
	// The working directory; default: that of the Pulumi program.
	Dir *string `pulumi:"dir,optional"`
	// Added to the plugin's own environment.
	Environment *map[string]string `pulumi:"environment,optional"`
	Stdin       *string            `pulumi:"stdin,optional"`
	Logging     *Logging           `pulumi:"logging,optional"`
	// Whether the command finds the results of the run before in PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR.
	AddPreviousOutputInEnv *bool `pulumi:"addPreviousOutputInEnv,optional"`
	// Globs of the files to return one by one, and of those to return as one archive.
	AssetPaths   *[]string `pulumi:"assetPaths,optional"`
	ArchivePaths *[]string `pulumi:"archivePaths,optional"`
}

// Annotate sets the defaults that are part of the resource's state.
func (s *Settings) Annotate(a infer.Annotator) {
	a.SetDefault(&s.AddPreviousOutputInEnv, true)
}

// Results are what a command left: its output, each stream without one trailing newline, and the files asked for.
type Results struct {
	Stdout  string                           `pulumi:"stdout"`
	Stderr  string                           `pulumi:"stderr"`
	Assets  *map[string]types.AssetOrArchive `pulumi:"assets,optional"`
	Archive *types.AssetOrArchive            `pulumi:"archive,optional"`
}

// Logging names the streams that are shown while a command runs; default: both.
type Logging string

const (
	logStdout Logging = "stdout"
	logStderr Logging = "stderr"
	logBoth   Logging = "stdoutAndStderr"
	logNone   Logging = "none"
)

// Values lists the allowed values, each under the name that it has in the npm package.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: "Stdout", Value: logStdout},
		{Name: "Stderr", Value: logStderr},
		{Name: "StdoutAndStderr", Value: logBoth},
		{Name: "None", Value: logNone},
	}
}

func (l *Logging) covers(stream Logging) bool {
	return l == nil || *l == logBoth || *l == stream
}

// execute runs a command and waits for it. A command that can't be started or exits with another status than 0 is an
// error, which holds the status, the command and its output. When ctx is cancelled, the interpreter is killed.
func execute(ctx context.Context, command string, settings Settings, previous Results) (Results, error) {
	argv := []string{"/bin/sh", "-c"}
	if settings.Interpreter != nil && len(*settings.Interpreter) > 0 {
		argv = *settings.Interpreter
	}
	process := exec.CommandContext(ctx, argv[0], append(argv[1:len(argv):len(argv)], command)...)
	process.Env = environment(settings, previous)
	dir, err := workingDir(settings)
	if err != nil {
		return Results{}, err
	}
	process.Dir = dir
	if settings.Stdin != nil {
		process.Stdin = strings.NewReader(*settings.Stdin)
	}

	var stdout, stderr bytes.Buffer
	var both lockedBuffer
	logger := lineLogger{log: provider.GetLogger(ctx).InfoStatus}
	tee := func(buffer *bytes.Buffer, stream Logging) (io.Writer, func()) {
		if !settings.Logging.covers(stream) {
			return io.MultiWriter(buffer, &both), func() {}
		}
		lines := logger
		return io.MultiWriter(buffer, &both, &lines), lines.flush
	}
	var flushStdout, flushStderr func()
	process.Stdout, flushStdout = tee(&stdout, logStdout)
	process.Stderr, flushStderr = tee(&stderr, logStderr)
	err = process.Run()
	flushStdout()
	flushStderr()
	if err != nil {
		return Results{}, fmt.Errorf("%w: running %q:\n%s", err, command, both.String())
	}

	results := Results{
		Stdout: strings.TrimSuffix(stdout.String(), "\n"),
		Stderr: strings.TrimSuffix(stderr.String(), "\n"),
	}
	err = results.collect(dir, settings)
	return results, err
}

func workingDir(settings Settings) (string, error) {
	if settings.Dir != nil {
		return *settings.Dir, nil
	}
	return os.Getwd()
}

func environment(settings Settings, previous Results) []string {
	env := os.Environ()
	if settings.Environment != nil {
		for name, value := range *settings.Environment {
			env = append(env, name+"="+value)
		}
	}
	if settings.AddPreviousOutputInEnv != nil && !*settings.AddPreviousOutputInEnv {
		return env
	}
	if previous.Stdout != "" {
		env = append(env, "PULUMI_COMMAND_STDOUT="+previous.Stdout)
	}
	if previous.Stderr != "" {
		env = append(env, "PULUMI_COMMAND_STDERR="+previous.Stderr)
	}
	return env
}

// lockedBuffer is a buffer that both streams can be written to.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	return b.buffer.String()
}

// lineLogger logs what is written to it line by line.
type lineLogger struct {
	log     func(line string)
	pending []byte
}

func (l *lineLogger) Write(data []byte) (int, error) {
	l.pending = append(l.pending, data...)
	for {
		line, rest, complete := bytes.Cut(l.pending, []byte("\n"))
		if !complete {
			return len(data), nil
		}
		l.log(string(line))
		l.pending = rest
	}
}

// flush logs a last line that has no newline.
func (l *lineLogger) flush() {
	if len(l.pending) > 0 {
		l.log(string(l.pending))
	}
}

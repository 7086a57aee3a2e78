package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
)

// Logging selects which of the command's outputs are shown while it runs.
type Logging string

const (
	logBoth   Logging = "stdoutAndStderr"
	logStdout Logging = "stdout"
	logStderr Logging = "stderr"
	logNone   Logging = "none"
)

const cancelGrace = 5 * time.Second

func (l Logging) isKnown() bool {
	return l == logBoth || l == logStdout || l == logStderr || l == logNone
}

// execute runs command and keeps its output; nil runs nothing and keeps the previous output.
func (s *CommandState) execute(ctx context.Context, command *string) error {
	if command == nil {
		return nil
	}
	interpreter := s.Interpreter
	if len(interpreter) == 0 {
		interpreter = []string{"/bin/sh", "-c"}
	}
	argv := append(append([]string{}, interpreter...), *command)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if s.Dir != nil {
		cmd.Dir = *s.Dir
	}
	if s.Stdin != nil {
		cmd.Stdin = strings.NewReader(*s.Stdin)
	}
	cmd.Env = s.environment()
	// A group of its own, so that a cancelled command leaves no grandchildren behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = cancelGrace

	var stdout, stderr bytes.Buffer
	both := &lockedBuffer{}
	logging := logBoth
	if s.Logging != nil {
		logging = *s.Logging
	}
	outLog := &lineLog{ctx: ctx, on: logging == logBoth || logging == logStdout}
	errLog := &lineLog{ctx: ctx, on: logging == logBoth || logging == logStderr}
	cmd.Stdout = io.MultiWriter(&stdout, both, outLog)
	cmd.Stderr = io.MultiWriter(&stderr, both, errLog)

	err := cmd.Run()
	outLog.flush()
	errLog.flush()
	if ctx.Err() != nil && cmd.Process != nil {
		killErr := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if killErr != nil && !errors.Is(killErr, syscall.ESRCH) {
			err = errors.Join(err, killErr)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, *command, both.String())
	}
	s.Stdout = strings.TrimSuffix(stdout.String(), "\n")
	s.Stderr = strings.TrimSuffix(stderr.String(), "\n")
	return nil
}

func (s *CommandState) environment() []string {
	env := os.Environ()
	if s.AddPreviousOutputInEnv == nil || *s.AddPreviousOutputInEnv {
		if s.Stdout != "" {
			env = append(env, "PULUMI_COMMAND_STDOUT="+s.Stdout)
		}
		if s.Stderr != "" {
			env = append(env, "PULUMI_COMMAND_STDERR="+s.Stderr)
		}
	}
	for name, value := range s.Environment {
		env = append(env, name+"="+value)
	}
	return env
}

// lockedBuffer collects both outputs in the order in which they arrive.
type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(data)
}

// lineLog shows each complete line as a Pulumi message.
type lineLog struct {
	ctx  context.Context
	on   bool
	rest []byte
}

func (l *lineLog) Write(data []byte) (int, error) {
	if !l.on {
		return len(data), nil
	}
	l.rest = append(l.rest, data...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		p.GetLogger(l.ctx).Info(string(line))
		l.rest = rest
	}
}

func (l *lineLog) flush() {
	if len(l.rest) > 0 {
		p.GetLogger(l.ctx).Info(string(l.rest))
		l.rest = nil
	}
}

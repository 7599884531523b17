package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/daicho-dev/daicho/services/client"
	"github.com/daicho-dev/daicho/services/figures"
)

// intakeProcess is this program again, serving intake only.
type intakeProcess struct {
	cmd    *exec.Cmd
	said   bytes.Buffer
	client *client.Client
}

func startIntake(ctx context.Context, dir string, n int, log, vault string) (figures.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	data, tokens := filepath.Join(dir, strconv.Itoa(n)), filepath.Join(dir, "shared")
	only := "intake"
	if n == 0 {
		only = "intake,office" // which publishes the policy
	}
	p := &intakeProcess{}
	p.cmd = exec.Command(self, "serve", "--only", only, "--listen", "127.0.0.1:0", "--data", data, "--log", log, "--vault", vault,
		"--root-key", filepath.Join(dir, "root.key"), "--tokens", tokens)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var at engineFile
		b, err := os.ReadFile(filepath.Join(data, "engine.json"))
		if err == nil {
			err = json.Unmarshal(b, &at)
		}
		var token []byte
		if err == nil {
			token, err = os.ReadFile(filepath.Join(tokens, "tokens", "admin"))
		}
		if err == nil {
			p.client = client.New(at.URL, string(bytes.TrimSpace(token)))
			err = p.client.Ready(ctx)
		}
		if err == nil {
			return p, nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
			return nil, fmt.Errorf("intake as a process of its own does not start: %s", p.said.String())
		}
	}
}

func (p *intakeProcess) Client() *client.Client { return p.client }

func (p *intakeProcess) Close() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("intake as a process of its own ended: %w: %s", err, p.said.String())
	}
	return nil
}

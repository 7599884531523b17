//go:build unix

package clustertest

import "syscall"

// Freeze stops the server's process: its connections stand, and it answers nothing.
func (n *Node) Freeze() { n.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (n *Node) Thaw() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

package attachments

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"runtime"
	"testing"

	"github.com/daicho-dev/daicho/contracts"
)

// long is a recording of any length that nobody holds in memory. It notes how much memory there is while it is read.
type long struct {
	left, n int
	peak    *peak
}

type peak struct{ most uint64 }

func (p *peak) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.most = max(p.most, m.HeapAlloc)
}

func (l *long) Read(b []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), l.left)
	for i := range b[:n] {
		b[i] = byte((l.n + i) * 31)
	}
	if l.n>>23 != (l.n+n)>>23 { // every 8 MiB
		l.peak.look()
	}
	l.n, l.left = l.n+n, l.left-n
	return n, nil
}

// A recording of 200 MB goes in and out; memory grows by less than a twentieth of it, most of which is what awaits collection.
func TestConstantMemory(t *testing.T) {
	w := newWorld(t)
	const size, bound = 200 << 20, 10 << 20
	p := &peak{}
	runtime.GC()
	p.look()
	before := p.most
	u, err := w.Upload(as(t.Context(), emitter), contracts.AttachmentInfo{Type: "audio/wav"}, &long{left: size, peak: p})
	if err != nil {
		t.Fatal(err)
	}
	if u.Size != size || p.most-before > bound {
		t.Errorf("%d bytes went in; memory grew by %d", u.Size, p.most-before)
	}
	t.Logf("in: the heap grew by %d KiB", (p.most-before)>>10)
	w.must(emitter, w.event("collected", scan1(u.Upload)))
	record := w.dossier(contracts.DossierQuestion{Sealed: true}).Records[0].ID
	runtime.GC()
	p.most = 0
	p.look()
	before = p.most
	_, r, err := w.Attachment(as(t.Context(), compliance), contracts.AttachmentQuestion{Record: record, Purpose: "SVC-01"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sum, n, buf := sha256.New(), 0, make([]byte, 32<<10)
	for {
		k, err := r.Read(buf)
		if n>>23 != (n+k)>>23 {
			p.look()
		}
		n += k
		sum.Write(buf[:k])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want, _ := hex.DecodeString(u.Digest[len("sha256:"):])
	if n != size || !bytes.Equal(sum.Sum(nil), want) || p.most-before > bound {
		t.Errorf("%d bytes came out; memory grew by %d", n, p.most-before)
	}
	t.Logf("out: the heap grew by %d KiB", (p.most-before)>>10)
}

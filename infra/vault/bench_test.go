package vault_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/daicho-dev/daicho/contracts"
	"github.com/daicho-dev/daicho/events"
	"github.com/daicho-dev/daicho/infra/vault"
)

func benchVault(b *testing.B, opts vault.Options) *vault.Vault {
	b.Helper()
	v := open(b, filepath.Join(b.TempDir(), "vault"), opts)
	v.Level()
	return v
}

// crowd makes newcomers, each with an identifier of their own.
func crowd(b *testing.B, v *vault.Vault, n int, prefix string) ([]contracts.Newcomer, []events.Identifier) {
	b.Helper()
	all, ids := make([]contracts.Newcomer, n), make([]events.Identifier, n)
	for i := range all {
		ids[i] = events.Identifier("crm:" + prefix + "-" + strconv.Itoa(i))
		all[i] = must[contracts.Newcomer](b)(v.Newcomer(events.PersonStream(v.NewPseudonym()), ids[i]))
	}
	return all, ids
}

func BenchmarkSeal(b *testing.B) {
	v := benchVault(b, vault.Options{})
	k := keysOf(b, v, admit(b, v, "crm:1"))
	value, n := make([]byte, 60), events.Ordinal(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		_, _ = k.Seal(n, bound, value)
	}
}

func BenchmarkOpen(b *testing.B) {
	v := benchVault(b, vault.Options{})
	k := keysOf(b, v, admit(b, v, "crm:1"))
	box := must[[]byte](b)(k.Seal(1, bound, make([]byte, 60)))
	for b.Loop() {
		_, _ = k.Open(1, bound, box)
	}
}

// One batch of the gateway: keys of 500 owners, five values each.
func BenchmarkBatch(b *testing.B) {
	for name, opts := range map[string]vault.Options{"Cached": {KeysFor: time.Hour}, "Uncached": {KeysFor: -1}} {
		b.Run(name, func(b *testing.B) {
			v := benchVault(b, opts)
			all, _ := crowd(b, v, 500, "a")
			streams := must[[]events.Stream](b)(v.Admit(b.Context(), all))
			value, n := make([]byte, 60), events.Ordinal(0)
			for b.Loop() {
				for _, k := range must[[]contracts.Keys](b)(v.Keys(b.Context(), streams)) {
					for i := range events.Ordinal(5) {
						_, _ = k.Seal(n+i+1, bound, value)
					}
				}
				n += 5
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2500, "ns/value")
		})
	}
}

func BenchmarkAdmit1000(b *testing.B) {
	v := benchVault(b, vault.Options{})
	i := 0
	for b.Loop() {
		i++
		all, _ := crowd(b, v, 1000, strconv.Itoa(i))
		must[[]events.Stream](b)(v.Admit(b.Context(), all))
	}
}

func BenchmarkFind1000(b *testing.B) {
	for name, opts := range map[string]vault.Options{"Cached": {}, "Uncached": {FoundMax: 1}} {
		b.Run(name, func(b *testing.B) {
			v := benchVault(b, opts)
			all, ids := crowd(b, v, 1000, "a")
			must[[]events.Stream](b)(v.Admit(b.Context(), all))
			for b.Loop() {
				must[[]contracts.Found](b)(v.Find(b.Context(), ids))
			}
		})
	}
}

func BenchmarkPuncture(b *testing.B) {
	v := benchVault(b, vault.Options{})
	owner, n := admit(b, v, "crm:1"), events.Ordinal(0)
	for b.Loop() {
		n++
		ok(b, v.Puncture(b.Context(), owner, []events.Ordinal{n}))
	}
}

func BenchmarkForget(b *testing.B) {
	v := benchVault(b, vault.Options{})
	all, _ := crowd(b, v, 20_000, "a")
	streams := must[[]events.Stream](b)(v.Admit(b.Context(), all))
	i := 0
	for b.Loop() {
		ok(b, v.Forget(b.Context(), streams[i%len(streams)], noon, time.Hour))
		i++
	}
}

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

// One batch of the gateway: 1,000 values over 250 owners.
func BenchmarkSeal1000(b *testing.B) {
	const owners, each = 250, 4
	for name, opts := range map[string]vault.Options{"Cached": {KeysFor: time.Hour}, "Uncached": {KeysFor: -1}} {
		b.Run(name, func(b *testing.B) {
			v := benchVault(b, opts)
			all, _ := crowd(b, v, owners, "a")
			streams := must[[]events.Stream](b)(v.Admit(b.Context(), all))
			value, n := make([]byte, 60), events.Ordinal(0)
			for b.Loop() {
				for _, k := range must[[]contracts.Keys](b)(v.Keys(b.Context(), streams)) {
					for i := range events.Ordinal(each) {
						_, _ = k.Seal(n+i+1, bound, value)
					}
				}
				n += each
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(owners*each), "ns/value")
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
		ok(b, v.Puncture(b.Context(), map[events.Stream][]events.Ordinal{owner: {n}}))
	}
}

// Everything of one person at once.
func BenchmarkPunctureAll(b *testing.B) {
	for _, held := range []int{10, 10_000} {
		b.Run(strconv.Itoa(held), func(b *testing.B) {
			v := benchVault(b, vault.Options{})
			all, _ := crowd(b, v, 1000, "a")
			streams := must[[]events.Stream](b)(v.Admit(b.Context(), all))
			ns := make([]events.Ordinal, held)
			for i := range ns {
				ns[i] = events.Ordinal(i + 1)
			}
			i := 0
			for b.Loop() {
				if i == len(streams) { // once a person: a second time there would be nothing to do
					b.StopTimer()
					all, _ = crowd(b, v, 1000, "b"+strconv.Itoa(b.N)+"-"+string(streams[0].Person()))
					streams, i = must[[]events.Stream](b)(v.Admit(b.Context(), all)), 0
					b.StartTimer()
				}
				ok(b, v.Puncture(b.Context(), map[events.Stream][]events.Ordinal{streams[i]: ns}))
				i++
			}
		})
	}
}

// The same for somebody with ten values and with ten thousand.
func BenchmarkForget(b *testing.B) {
	for _, held := range []events.Ordinal{10, 10_000} {
		b.Run(strconv.Itoa(int(held)), func(b *testing.B) {
			v := benchVault(b, vault.Options{})
			value, i := make([]byte, 60), 0
			var streams []events.Stream
			for b.Loop() {
				if i == len(streams) {
					b.StopTimer()
					all, _ := crowd(b, v, 200, "a"+string(v.NewPseudonym()))
					streams, i = must[[]events.Stream](b)(v.Admit(b.Context(), all)), 0
					for _, k := range must[[]contracts.Keys](b)(v.Keys(b.Context(), streams)) {
						for n := events.Ordinal(1); n <= held; n++ {
							_, _ = k.Seal(n, bound, value)
						}
					}
					b.StartTimer()
				}
				ok(b, v.Forget(b.Context(), streams[i], noon, time.Hour))
				i++
			}
		})
	}
}

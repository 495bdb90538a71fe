// The cost of the mapping in Bloblang, by Benthos's own engine: benthos KEYS WARM_UP EVENTS [PAYLOADS].
//
// Decodes each line of a file as an event, runs the mapping on it and encodes the payloads that it gives, as
// Benthos does between an input and an output, in one thread. Prints how many and the process's CPU seconds
// for the second file, the first one having gone before. With a fourth argument the payloads are written
// there, one JSON object an event.
package main

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
)

//go:embed mapping.blobl
var source string

type run struct {
	mapping *bloblang.Executor
	keys    map[string]any
}

func main() {
	if len(os.Args) < 4 {
		fail(errors.New("usage: benthos KEYS WARM_UP EVENTS [PAYLOADS]"))
	}
	runtime.GOMAXPROCS(1)
	mapping, err := bloblang.Parse(source)
	check(err)
	r := run{mapping, keys(read(os.Args[1]))}
	first, second := lines(read(os.Args[2])), lines(read(os.Args[3]))
	for _, line := range first {
		r.payloads(line)
	}
	if len(os.Args) > 4 {
		var all bytes.Buffer
		for _, line := range second {
			all.Write(encoded(r.payloads(line)))
			all.WriteByte('\n')
		}
		check(os.WriteFile(os.Args[4], all.Bytes(), 0o600))
	}
	outputs, size := 0, 0
	begun := cpuSeconds()
	for _, line := range second {
		for _, payload := range r.payloads(line).(map[string]any) {
			size += len(encoded(payload))
			outputs++
		}
	}
	report := map[string]any{
		"events": len(second), "outputs": outputs, "bytes": size, "cpu_seconds": cpuSeconds() - begun,
	}
	check(json.NewEncoder(os.Stdout).Encode(report))
}

func (r run) payloads(line []byte) any {
	message := service.NewMessage(line)
	for purpose, byVendor := range r.keys {
		message.MetaSetMut(purpose, byVendor)
	}
	made, err := message.BloblangQuery(r.mapping)
	check(err)
	payloads, err := made.AsStructured()
	check(err)
	return payloads
}

func encoded(payload any) []byte {
	message := service.NewMessage(nil)
	message.SetStructured(payload)
	raw, err := message.AsBytes()
	check(err)
	return raw
}

func lines(file []byte) [][]byte {
	return bytes.Split(bytes.TrimSpace(file), []byte("\n"))
}

// keys are those of each purpose and vendor, from hexadecimal digits.
func keys(file []byte) map[string]any {
	var digits map[string]map[string]string
	check(json.Unmarshal(file, &digits))
	all := map[string]any{}
	for purpose, byVendor := range digits {
		own := map[string]any{}
		for vendor, key := range byVendor {
			raw, err := hex.DecodeString(key)
			check(err)
			own[vendor] = string(raw)
		}
		all[purpose] = own
	}
	return all
}

// cpuSeconds are those of this process, all its threads and the garbage collector's included.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	check(err)
	return content
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

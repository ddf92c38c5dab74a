package heif

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"inlet/imaging/isobmff"
)

// The modules are those of github.com/gen2brain/heic and avif, see wasm/README.md.

//go:embed wasm/libheif.wasm.gz
var libheifModule []byte

//go:embed wasm/libavif.wasm.gz
var libavifModule []byte

type library struct {
	name   string
	module []byte // gzipped WebAssembly
	decode func(*sandbox, *file, Limits) (Image, error)
}

type file struct {
	io.ReaderAt
	size   int64
	header isobmff.Header
}

// engine holds the compiled modules, which all decodings share.
type engine struct {
	runtime  wazero.Runtime
	compiled map[string]wazero.CompiledModule
}

func (e *engine) close(ctx context.Context) error {
	if e.runtime == nil {
		return nil
	}
	err := e.runtime.Close(ctx)
	*e = engine{}
	return err
}

// compile compiles a library's module once: that takes longer than to decode a small
// picture.
func (e *engine) compile(ctx context.Context, l library) (wazero.CompiledModule, error) {
	if e.runtime == nil {
		e.runtime = wazero.NewRuntime(ctx)
		e.compiled = map[string]wazero.CompiledModule{}
		if _, err := wasi_snapshot_preview1.Instantiate(ctx, e.runtime); err != nil {
			return nil, errors.Join(err, e.close(ctx))
		}
	}
	if m := e.compiled[l.name]; m != nil {
		return m, nil
	}

	z, err := gzip.NewReader(bytes.NewReader(l.module))
	if err != nil {
		return nil, err
	}
	code, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	if code, err = interruptible(code); err != nil {
		return nil, err
	}

	m, err := e.runtime.CompileModule(ctx, code)
	if err == nil {
		e.compiled[l.name] = m
	}

	return m, err
}

func (e *engine) decode(ctx context.Context, l library, f *file, limits Limits) (_ Image, err error) {
	module, err := e.compile(context.WithoutCancel(ctx), l)
	if err != nil {
		return Image{}, fmt.Errorf("compile %s: %w", l.name, err)
	}
	if err := ctx.Err(); err != nil { // a small picture would end before the module checks the flag
		return Image{}, err
	}

	mem, err := reserve(limits.Memory)
	if err != nil {
		return Image{}, fmt.Errorf("reserve memory for %s: %w", l.name, err)
	}
	defer mem.Free()
	defer mem.stopWhen(ctx)()

	s := &sandbox{ctx: ctx, name: l.name, memory: mem}
	defer func() {
		// Refused memory comes first: whatever follows it, sometimes a picture, is
		// its consequence.
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", l.name, r)
		}
		if mem.refused {
			err = undecodable("it takes more than %d MiB of memory to decode", mem.limit>>20)
		}
	}()

	s.module, err = e.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, mem), module,
		wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		return Image{}, s.trapped(err)
	}
	defer func() { err = errors.Join(err, s.module.Close(context.WithoutCancel(ctx))) }()

	return l.decode(s, f, limits)
}

// sandbox is an instance of a module, for one file.
type sandbox struct {
	ctx    context.Context //nolint:containedctx // a sandbox lives as long as one decoding
	name   string          // of the library
	module api.Module
	memory *memory
}

func (s *sandbox) call(name string, args ...uint64) (uint32, error) {
	out, err := s.module.ExportedFunction(name).Call(s.ctx, args...)
	if err != nil {
		return 0, s.trapped(err)
	}
	return api.DecodeU32(out[0]), nil
}

// trapped keeps the first line of the error that ended a module. A module fails only
// over a file that it cannot decode.
func (s *sandbox) trapped(err error) error {
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return undecodable("the decoder failed: %s", line)
}

// ask calls decode of the library for the file at in. It writes its numbers to the
// addresses in out, and the picture to pixels unless that is 0.
func (s *sandbox) ask(f *file, pixels, in uint32, out ...uint32) error {
	args := []uint64{uint64(in), uint64(f.size), 0}
	if pixels == 0 {
		args[2] = 1
	}
	for _, p := range append(out, pixels) {
		args = append(args, uint64(p))
	}

	ok, err := s.call("decode", args...)
	if err == nil && ok == 0 {
		err = undecodable("%s refuses it", s.name)
	}

	return err
}

// pixels has decode write n bytes, and returns them, valid until the next call.
func (s *sandbox) pixels(n int64, decode func(pixels uint32) error) ([]byte, error) {
	p, err := s.alloc(n)
	if err != nil {
		return nil, err
	}
	if err := decode(p); err != nil {
		return nil, err
	}

	return s.bytes(p, n)
}

func (s *sandbox) alloc(n int64) (p uint32, err error) {
	if n <= s.memory.limit {
		p, err = s.call("malloc", uint64(n))
	}
	if err == nil && p == 0 {
		s.memory.refused = true
		err = undecodable("no memory")
	}

	return p, err
}

// bytes is the memory at p, valid until the next call.
func (s *sandbox) bytes(p uint32, n int64) ([]byte, error) {
	b, ok := s.module.Memory().Read(p, uint32(n))
	if !ok {
		return nil, undecodable("the decoder failed: it lost its memory")
	}
	return b, nil
}

// number is the i-th of the 32-bit numbers at p.
func (s *sandbox) number(p uint32, i int) int {
	n, _ := s.module.Memory().ReadUint32Le(p + uint32(4*i))
	return int(n)
}

func (s *sandbox) load(f *file) (uint32, []byte, error) {
	p, err := s.alloc(f.size)
	if err != nil {
		return 0, nil, err
	}
	b, err := s.bytes(p, f.size)
	if err != nil {
		return 0, nil, err
	}

	if n, err := f.ReadAt(b, 0); int64(n) < f.size {
		if errors.Is(err, io.EOF) {
			return 0, nil, undecodable("the file is truncated")
		}
		return 0, nil, fmt.Errorf("read the picture: %w", err)
	}

	return p, b, nil
}

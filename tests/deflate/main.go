// Compresses a file by what layers are compressed by where Go is used: main NAME LEVEL IN OUT.
package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"os"
	"strconv"

	klauspost "github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"
)

func main() {
	level, err := strconv.Atoi(os.Args[2])
	check(err)
	in, err := os.ReadFile(os.Args[3])
	check(err)
	out := new(bytes.Buffer)
	var writer io.WriteCloser
	switch os.Args[1] {
	case "go":
		writer, err = gzip.NewWriterLevel(out, level)
	case "klauspost":
		writer, err = klauspost.NewWriterLevel(out, level)
	case "pgzip":
		pgz, failed := pgzip.NewWriterLevel(out, level)
		check(failed)
		// Many blocks also of a small file.
		err = pgz.SetConcurrency(max(64<<10, min(1<<20, len(in)/3)), 2)
		writer = pgz
	default:
		log.Fatal("unknown compressor")
	}
	check(err)
	_, err = writer.Write(in)
	check(err)
	check(writer.Close())
	check(os.WriteFile(os.Args[4], out.Bytes(), 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

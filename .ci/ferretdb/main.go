// Command ferretd serves the MongoDB wire protocol from a folder of SQLite files, for tests: ferretd PORT FOLDER
//
// It is FerretDB v1, embedded, behind a relay that lets one write run at a time: FerretDB v1 itself reads and writes in
// findAndModify, update and delete without a transaction, so that two clients can claim the same document.
package main

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ferretd PORT FOLDER")
	}
	dir, err := filepath.Abs(os.Args[2])
	check(err)
	check(os.MkdirAll(dir, 0o755)) // FerretDB does not create it
	socket := filepath.Join(dir, "ferretd.sock")
	os.Remove(socket) // left behind by kill -9
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	db, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socket},
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/", // the trailing slash is required
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	check(err)
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	check(err)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relay(client, socket)
		}
	}()
	check(db.Run(ctx))
	l.Close()
}

var writes sync.Mutex

func relay(client net.Conn, socket string) {
	defer client.Close()
	server, err := net.Dial("unix", socket)
	if err != nil {
		log.Print(err)
		return
	}
	defer server.Close()
	for {
		request, err := message(client)
		if err != nil {
			return
		}
		reply, err := exchange(server, request)
		if err != nil {
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

func exchange(server net.Conn, request []byte) ([]byte, error) {
	const opMsg = 2013
	if binary.LittleEndian.Uint32(request[12:]) == opMsg {
		switch name, _, _ := strings.Cut(string(request[26:min(len(request), 60)]), "\x00"); name {
		case "insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop", "dropDatabase", "dropIndexes":
			writes.Lock()
			defer writes.Unlock()
		}
	}
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	reply, err := message(server)
	if request[16]&2 != 0 && binary.LittleEndian.Uint32(request[12:]) == opMsg { // moreToCome, w=0: FerretDB answers all the same
		reply = nil
	}
	return reply, err
}

func message(r io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n < 26 || n > 48_000_000 {
		return nil, io.ErrUnexpectedEOF
	}
	m := make([]byte, n)
	copy(m, length[:])
	_, err := io.ReadFull(r, m[4:])
	return m, err
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// SPDX-License-Identifier: Apache-2.0

// A server with the routes, the package paths and the functions of the first watched server, which runs real Bun tools
// and writes down the truth that code inside it would know. How to drive it: see ../../README.md.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/compozy/compozy/engine/infra/postgres"
	"github.com/compozy/compozy/engine/infra/sqlite"
	"github.com/compozy/compozy/engine/workflow"
	"github.com/compozy/compozy/truth"
)

func repository(store *workflow.Store, database string) workflow.Repository {
	if database == "sqlite" {
		return sqlite.NewWorkflowRepo(store)
	}
	return postgres.NewWorkflowRepo(store)
}

func (s *server) routes(base string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+base+"/{kind}/{id}/executions", s.start)
	mux.HandleFunc("POST "+base+"/{kind}/{id}/executions/sync", s.execute)
	mux.HandleFunc("GET "+base+"/executions/{kind}/{exec}", s.status)
	mux.Handle("GET /truth", s.book)
	mux.HandleFunc("DELETE /truth", s.book.Forget)
	mux.HandleFunc("GET /bench", s.bench)
	return deny(mux)
}

// Lives until its stdin ends, as the parents do; says first where it listens.
func main() {
	exe := flag.String("exe", "", "the Bun to start")
	root := flag.String("root", "", "the project")
	base := flag.String("base", "/api/v0", "base path of the routes")
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	database := flag.String("database", "postgres", "whose GetState is called: postgres or sqlite")
	writeTimeout := flag.Duration("write-timeout", 15*time.Second, "the HTTP server's")
	versionProbe := flag.Bool("version-probe", false, "run bun --version before each tool")
	flag.Parse()

	store := workflow.NewStore()
	s := &server{
		exe: *exe, root: *root, versionProbe: *versionProbe,
		store: store, repo: repository(store, *database), book: &truth.Book{},
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"event": "listening", "address": listener.Addr().String()})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	web := &http.Server{Handler: s.routes(*base), WriteTimeout: *writeTimeout}
	log.Fatal(web.Serve(listener))
}

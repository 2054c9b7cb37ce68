// What runs in the pods of real nodes, where no image can be pulled:
//
//	pod                 waits, as the container that holds a pod's network namespace
//	pod web PORT TEXT   answers every HTTP request with TEXT and the pod's name
//	pod cat FILE        prints a file
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "cat" {
		content, err := os.ReadFile(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(string(content))
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "web" {
		go serve(os.Args[2], os.Args[3])
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
}

func serve(port, text string) {
	name, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	answer := func(writer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(writer, "%s from %s\n", text, name)
	}
	log.Fatal(http.ListenAndServe(":"+port, http.HandlerFunc(answer)))
}

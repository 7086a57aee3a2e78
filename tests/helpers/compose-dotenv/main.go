// Command compose-dotenv reads base64 lines, each a whole .env file, and answers each with a JSON line of what Compose
// reads in it.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"os"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/sirupsen/logrus"
)

type answer struct {
	Values map[string]string `json:"values"`
	Error  string            `json:"error"`
}

func main() {
	// It warns about each unknown variable, and there are thousands.
	logrus.SetOutput(io.Discard)
	files := bufio.NewScanner(os.Stdin)
	files.Buffer(nil, 64<<20)
	answers := json.NewEncoder(os.Stdout)
	for files.Scan() {
		file, err := base64.StdEncoding.DecodeString(files.Text())
		if err != nil {
			log.Fatal(err)
		}
		var got answer
		got.Values, err = dotenv.Parse(bytes.NewReader(file))
		if err != nil {
			got.Error = err.Error()
		}
		if err := answers.Encode(got); err != nil {
			log.Fatal(err)
		}
	}
	if err := files.Err(); err != nil {
		log.Fatal(err)
	}
}

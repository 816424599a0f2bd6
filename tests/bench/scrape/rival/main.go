// SPDX-License-Identifier: Apache-2.0

// Rival serves the series of a text exposition with a Go library, so that a scrape of the very same
// series can be compared: the agent against what one would write in Go.
//
//	rival -library client_golang|victoriametrics -series FILE -listen 127.0.0.1:PORT
package main

import (
	"flag"
	"log"
	"net/http"
	"os"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var libraries = map[string]func(map[string]*dto.MetricFamily) http.Handler{
	"client_golang":   clientGolang,
	"victoriametrics": victoriaMetrics,
}

func main() {
	library := flag.String("library", "client_golang", "client_golang or victoriametrics")
	series := flag.String("series", "", "file in text format 0.0.4")
	listen := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()

	serve, known := libraries[*library]
	if !known {
		log.Fatalf("no library %q", *library)
	}
	http.Handle("/metrics", serve(parse(*series)))
	log.Fatal(http.ListenAndServe(*listen, nil))
}

func parse(path string) map[string]*dto.MetricFamily {
	file, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()

	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(file)
	if err != nil {
		log.Fatal(err)
	}
	return families
}

func bounds(histogram *dto.Histogram) []float64 {
	var finite []float64
	for _, bucket := range histogram.Bucket[:len(histogram.Bucket)-1] {
		finite = append(finite, bucket.GetUpperBound())
	}
	return finite
}

// Observes as many values in every bucket as the exposition had; only the sum differs.
func replay(histogram *dto.Histogram, observe func(float64)) {
	var below uint64
	var lower float64
	for _, bucket := range histogram.Bucket {
		upper := min(bucket.GetUpperBound(), lower*2+1)
		for ; below < bucket.GetCumulativeCount(); below++ {
			observe(lower + (upper-lower)*0.618)
		}
		lower = bucket.GetUpperBound()
	}
}

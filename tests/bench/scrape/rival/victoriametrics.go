// SPDX-License-Identifier: Apache-2.0

package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/VictoriaMetrics/metrics"
	dto "github.com/prometheus/client_model/go"
)

// The library leaves compression to its user; this is what promhttp does for client_golang.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func victoriaMetrics(families map[string]*dto.MetricFamily) http.Handler {
	set := metrics.NewSet()
	for name, family := range families {
		for _, metric := range family.Metric {
			add(set, name+selector(metric), metric)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			writeCompressed(set, w)
		} else {
			set.WritePrometheus(w)
		}
	})
}

func writeCompressed(set *metrics.Set, w http.ResponseWriter) {
	w.Header().Set("Content-Encoding", "gzip")
	compressor := compressors.Get().(*gzip.Writer)
	defer compressors.Put(compressor)
	compressor.Reset(w)
	set.WritePrometheus(io.Writer(compressor))
	_ = compressor.Close()
}

func add(set *metrics.Set, name string, metric *dto.Metric) {
	switch {
	case metric.Counter != nil:
		set.NewFloatCounter(name).Set(metric.Counter.GetValue())
	case metric.Histogram != nil:
		replay(metric.Histogram, set.NewPrometheusHistogramExt(name, bounds(metric.Histogram)).Update)
	default:
		set.NewGauge(name, nil).Set(metric.Gauge.GetValue())
	}
}

func selector(metric *dto.Metric) string {
	var pairs []string
	for _, pair := range metric.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue()))
	}
	if len(pairs) == 0 {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

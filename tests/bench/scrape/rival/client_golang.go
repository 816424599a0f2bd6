// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

func clientGolang(families map[string]*dto.MetricFamily) http.Handler {
	registry := prometheus.NewRegistry()
	for name, family := range families {
		registry.MustRegister(collector(name, family))
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

func collector(name string, family *dto.MetricFamily) prometheus.Collector {
	var labels []string
	for _, pair := range family.Metric[0].Label {
		labels = append(labels, pair.GetName())
	}

	switch family.GetType() {
	case dto.MetricType_COUNTER:
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: family.GetHelp()}, labels)
		for _, metric := range family.Metric {
			vec.With(values(metric)).Add(metric.Counter.GetValue())
		}
		return vec
	case dto.MetricType_HISTOGRAM:
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: family.GetHelp(), Buckets: bounds(family.Metric[0].Histogram),
		}, labels)
		for _, metric := range family.Metric {
			replay(metric.Histogram, vec.With(values(metric)).Observe)
		}
		return vec
	default:
		vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: family.GetHelp()}, labels)
		for _, metric := range family.Metric {
			vec.With(values(metric)).Set(metric.Gauge.GetValue())
		}
		return vec
	}
}

func values(metric *dto.Metric) prometheus.Labels {
	labels := prometheus.Labels{}
	for _, pair := range metric.Label {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

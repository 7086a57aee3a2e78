package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var toPrometheus = &http.Client{Timeout: 10 * time.Second}

// queryHandler answers POST /api/ds/query as Grafana does: it sends instant queries to the real Prometheus and
// answers errors in Grafana's formats.
func queryHandler(sources []dataSource) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Queries []struct {
				RefID      string     `json:"refId"`
				DataSource dataSource `json:"datasource"`
				Expr       string     `json:"expr"`
			} `json:"queries"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"message": "bad request data"})
			return
		}
		if len(asked.Queries) == 0 {
			answer(w, http.StatusBadRequest, map[string]string{"message": "No queries found"})
			return
		}
		status, results := http.StatusOK, map[string]any{}
		for _, query := range asked.Queries {
			at := slices.IndexFunc(sources, func(source dataSource) bool { return source.UID == query.DataSource.UID })
			if at < 0 {
				answer(w, http.StatusNotFound, map[string]string{"message": "Data source not found"})
				return
			}
			if sources[at].Type != "prometheus" {
				answer(w, http.StatusNotFound, map[string]string{"message": "Plugin not registered", "messageId": "plugin.notRegistered"})
				return
			}
			frames, err := instantQuery(sources[at].URL, query.Expr, query.RefID)
			if err != nil {
				status = http.StatusBadRequest
				results[query.RefID] = map[string]any{"error": err.Error(), "status": status}
				continue
			}
			results[query.RefID] = map[string]any{"status": http.StatusOK, "frames": frames}
		}
		answer(w, status, map[string]any{"results": results})
	}
}

// instantQuery returns one frame for each series, with a time in milliseconds and a value.
func instantQuery(base, expr, refID string) ([]any, error) {
	response, err := toPrometheus.PostForm(strings.TrimSuffix(base, "/")+"/api/v1/query", url.Values{"query": {expr}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var got struct {
		Status, ErrorType, Error string
		Data                     struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		return nil, fmt.Errorf("%s: HTTP %d: %w", base, response.StatusCode, err)
	}
	if got.Status != "success" {
		return nil, fmt.Errorf("%s: %s", got.ErrorType, got.Error)
	}
	if got.Data.ResultType != "vector" {
		return nil, fmt.Errorf("the stand-in does not support results of the type %s", got.Data.ResultType)
	}
	var series []struct {
		Metric map[string]string
		Value  [2]any
	}
	if err := json.Unmarshal(got.Data.Result, &series); err != nil {
		return nil, err
	}
	frames := []any{}
	for _, one := range series {
		at, _ := one.Value[0].(float64)
		text, _ := one.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame(refID, one.Metric, at*1000, value))
	}
	return frames, nil
}

func frame(refID string, labels map[string]string, ms, value float64) map[string]any {
	fields := []any{
		map[string]any{"name": "Time", "type": "time"},
		map[string]any{"name": "Value", "type": "number", "labels": labels},
	}
	return map[string]any{
		"schema": map[string]any{"refId": refID, "fields": fields},
		"data":   map[string]any{"values": []any{[]float64{ms}, []float64{value}}},
	}
}

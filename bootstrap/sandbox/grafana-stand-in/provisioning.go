package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

type provisioned struct {
	dataSources []dataSource
	dashboards  []dashboard
}

type dataSource struct {
	Name      string `yaml:"name" json:"name"`
	Type      string `yaml:"type" json:"type"`
	UID       string `yaml:"uid" json:"uid"`
	URL       string `yaml:"url" json:"url"`
	Access    string `yaml:"access" json:"access"`
	IsDefault bool   `yaml:"isDefault" json:"isDefault"`
}

type dashboard struct {
	uid   string
	title string
	model map[string]any
}

// loadProvisioning reads all files and reports all their problems at once.
func loadProvisioning(dir string) (provisioned, error) {
	var all provisioned
	var problems []error
	for _, file := range yamlFiles(filepath.Join(dir, "datasources")) {
		var content struct {
			DataSources []dataSource `yaml:"datasources"`
		}
		if err := readYAML(file, &content); err != nil {
			problems = append(problems, err)
			continue
		}
		problems = append(problems, checkDataSources(file, content.DataSources, all.dataSources)...)
		all.dataSources = append(all.dataSources, content.DataSources...)
	}
	for _, file := range yamlFiles(filepath.Join(dir, "dashboards")) {
		dashboards, errs := loadProviders(file)
		problems = append(problems, errs...)
		all.dashboards = append(all.dashboards, dashboards...)
	}
	problems = append(problems, checkDashboards(all)...)
	for _, kind := range []string{"plugins", "alerting"} {
		for _, file := range yamlFiles(filepath.Join(dir, kind)) {
			problems = append(problems, readYAML(file, &struct{}{}))
		}
	}
	return all, errors.Join(problems...)
}

func checkDataSources(file string, sources, known []dataSource) []error {
	var problems []error
	for i, source := range sources {
		where := fmt.Sprintf("%s: datasources[%d]", file, i)
		if source.Name == "" || source.Type == "" {
			problems = append(problems, fmt.Errorf("%s: name and type must be set (got %q, %q)", where, source.Name, source.Type))
		}
		if !slices.Contains([]string{"", "proxy", "direct"}, source.Access) {
			problems = append(problems, fmt.Errorf("%s: access must be proxy or direct (got %q)", where, source.Access))
		}
		for _, other := range slices.Concat(known, sources[:i]) {
			if other.Name == source.Name || (source.UID != "" && other.UID == source.UID) {
				problems = append(problems, fmt.Errorf("%s: name and uid must be unique (got %q, %q again)", where, source.Name, source.UID))
			}
			if other.IsDefault && source.IsDefault {
				problems = append(problems, fmt.Errorf("%s: only one may be the default (%q is already)", where, other.Name))
			}
		}
	}
	return problems
}

func loadProviders(file string) ([]dashboard, []error) {
	var content struct {
		Providers []struct {
			Name    string `yaml:"name"`
			Type    string `yaml:"type"`
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	if err := readYAML(file, &content); err != nil {
		return nil, []error{err}
	}
	var dashboards []dashboard
	var problems []error
	for i, provider := range content.Providers {
		where := fmt.Sprintf("%s: providers[%d]", file, i)
		if provider.Name == "" {
			problems = append(problems, fmt.Errorf("%s: name must be set", where))
		}
		if provider.Type != "" && provider.Type != "file" {
			problems = append(problems, fmt.Errorf("%s: type must be file (got %q)", where, provider.Type))
		}
		if info, err := os.Stat(provider.Options.Path); err != nil || !info.IsDir() {
			problems = append(problems, fmt.Errorf("%s: options.path must be a directory (got %q)", where, provider.Options.Path))
			continue
		}
		found, errs := readDashboards(provider.Options.Path)
		dashboards = append(dashboards, found...)
		problems = append(problems, errs...)
	}
	return dashboards, problems
}

func readDashboards(dir string) ([]dashboard, []error) {
	var dashboards []dashboard
	var problems []error
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".json" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var model map[string]any
		if err := json.Unmarshal(text, &model); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
			return nil
		}
		title, _ := model["title"].(string)
		if title == "" {
			problems = append(problems, fmt.Errorf("%s: title must be set", file))
		}
		uid, _ := model["uid"].(string)
		if uid == "" {
			uid = strings.TrimSuffix(filepath.Base(file), ".json")
		}
		dashboards = append(dashboards, dashboard{uid: uid, title: title, model: model})
		return nil
	})
	return dashboards, append(problems, err)
}

// checkDashboards requires unique uids, and that each data source named by uid exists.
func checkDashboards(all provisioned) []error {
	var problems []error
	for i, one := range all.dashboards {
		for _, other := range all.dashboards[:i] {
			if other.uid == one.uid {
				problems = append(problems, fmt.Errorf("dashboard %q: uid %q is used by %q too", one.title, one.uid, other.title))
			}
		}
		for _, uid := range dataSourceUIDs(one.model) {
			isKnown := slices.ContainsFunc(all.dataSources, func(source dataSource) bool { return source.UID == uid })
			// $: a variable; "grafana" and "-- Grafana --" are built in.
			if !isKnown && !strings.HasPrefix(uid, "$") && uid != "grafana" && uid != "-- Grafana --" {
				problems = append(problems, fmt.Errorf("dashboard %q: no data source has the uid %q", one.title, uid))
			}
		}
	}
	return problems
}

func dataSourceUIDs(node any) []string {
	var uids []string
	switch value := node.(type) {
	case map[string]any:
		if source, ok := value["datasource"].(map[string]any); ok {
			if uid, ok := source["uid"].(string); ok && uid != "" {
				uids = append(uids, uid)
			}
		}
		for _, child := range value {
			uids = append(uids, dataSourceUIDs(child)...)
		}
	case []any:
		for _, child := range value {
			uids = append(uids, dataSourceUIDs(child)...)
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

// complaints returns the lines that Grafana logs about missing provisioning directories and unexpected files.
func complaints(dir string) []string {
	var lines []string
	for _, kind := range []struct{ name, message string }{
		{"alerting", "can't read alerting provisioning files from directory"},
		{"dashboards", "can't read dashboard provisioning files from directory"},
		{"datasources", "can't read datasource provisioning files from directory"},
		{"plugins", "Failed to read plugin provisioning files from directory"},
	} {
		path := filepath.Join(dir, kind.name)
		entries, err := os.ReadDir(path)
		if err != nil {
			lines = append(lines, fmt.Sprintf("logger=provisioning.%s level=error msg=%q path=%s error=%q", kind.name, kind.message, path, err))
		}
		for _, entry := range entries {
			isRead := slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(entry.Name()))
			if kind.name == "alerting" && !isRead {
				lines = append(lines, fmt.Sprintf("logger=provisioning.alerting level=warn msg=\"file has invalid suffix '%s' (.yaml,.yml,.json accepted), skipping\"", entry.Name()))
			}
		}
	}
	return lines
}

func yamlFiles(dir string) []string {
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		files = append(files, found...)
	}
	slices.Sort(files)
	return files
}

func readYAML(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var head struct {
		APIVersion int `yaml:"apiVersion"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if head.APIVersion != 1 {
		return fmt.Errorf("%s: apiVersion must be 1 (got %d)", file, head.APIVersion)
	}
	if err := yaml.Unmarshal([]byte(os.Expand(string(text), environment)), into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// environment keeps the names of variables that are not set: provisioning files contain literal $ signs.
func environment(name string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return "$" + name
}

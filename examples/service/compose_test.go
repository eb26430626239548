package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// composeFile is what compose.yaml uses of the Compose specification; other members are an
// error.
type composeFile struct {
	Name     string
	Services map[string]composeService
	Volumes  map[string]*struct{}
}

type composeService struct {
	Image string
	Build struct{ Context, Dockerfile string }

	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct {
		Test     []string
		Interval string
		Retries  int
	}
	StopGracePeriod string   `yaml:"stop_grace_period"`
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
}

// required is a variable that Compose refuses to start without.
var required = regexp.MustCompile(`\$\{([A-Z_]+):\?[^}]+\}`)

func readCompose(t *testing.T) (text string, c composeFile) {
	t.Helper()
	file, err := os.ReadFile("compose.yaml")
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&c))
	require.ErrorIs(t, decoder.Decode(new(any)), io.EOF)
	return string(file), c
}

// What compose.yaml refers to exists: files, services, volumes, variables.
func TestTheComposeFileRefersToWhatExists(t *testing.T) {
	t.Parallel()
	text, c := readCompose(t)
	head, _, _ := strings.Cut(text, "\nname:")
	for name, s := range c.Services {
		require.True(t, (s.Image == "") != (s.Build.Context == ""), name)
		require.NotContains(t, s.Image, "latest")
		for on, how := range s.DependsOn {
			require.Contains(t, c.Services, on)
			require.Equal(t, "service_healthy", how.Condition)
			require.NotEmpty(t, c.Services[on].Healthcheck.Test, on)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			require.Contains(t, c.Volumes, volume)
		}
		for _, p := range s.Ports {
			require.True(t, strings.HasPrefix(p, "127.0.0.1:"), "%s: only this machine reaches a demonstration", p)
		}
		for variable, value := range s.Environment {
			for _, m := range required.FindAllStringSubmatch(value, -1) {
				require.Contains(t, head, "export "+m[1]+"=", "the head says how to set it")
			}
			secret := strings.Contains(variable, "PASSWORD") || strings.Contains(variable, "KEY")
			require.Equal(t, secret, required.MatchString(value), "%s: secrets come from the environment", variable)
		}
		if s.Healthcheck.Interval != "" {
			_, err := time.ParseDuration(s.Healthcheck.Interval)
			require.NoError(t, err)
		}
	}
	grace, err := time.ParseDuration(c.Services["service"].StopGracePeriod)
	require.NoError(t, err)
	require.Greater(t, grace, shutdownTimeout)
}

// The service's flags and environment are those of this program, and its own checks pass.
func TestTheComposeFileStartsThisService(t *testing.T) {
	_, c := readCompose(t)
	s := c.Services["service"]
	for variable := range s.Environment {
		require.Contains(t, []string{keyVariable, "PGPASSWORD"}, variable)
	}
	require.Contains(t, s.Environment, keyVariable)
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	o, err := parse(s.Command, io.Discard)
	require.NoError(t, err)
	require.True(t, o.https)
	_, port, err := net.SplitHostPort(o.addr)
	require.NoError(t, err)
	require.Contains(t, strings.Join(s.Healthcheck.Test, " "), ":"+port+"/readyz")
	require.Contains(t, strings.Join(c.Services["proxy"].Command, " "), "--to service:"+port)
	database := c.Services["postgres"].Environment
	require.Equal(t, "postgres://"+database["POSTGRES_USER"]+"@postgres/"+database["POSTGRES_DB"], o.store)
	require.Equal(t, database["POSTGRES_PASSWORD"], s.Environment["PGPASSWORD"])
}

// The Dockerfile builds this program of files that exist, with the Go version of go.mod.
func TestTheDockerfileBuildsThisService(t *testing.T) {
	t.Parallel()
	_, c := readCompose(t)
	build := c.Services["service"].Build
	root := filepath.Clean(build.Context)
	text, err := os.ReadFile(filepath.Join(root, build.Dockerfile))
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)[1]
	stages, instructions := map[string]bool{}, map[string]int{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		instructions[words[0]]++
		switch words[0] {
		case "FROM":
			require.NotContains(t, words[1], "latest")
			require.True(t, !strings.HasPrefix(words[1], "golang:") || words[1] == "golang:"+string(version), line)
			if len(words) == 4 {
				stages[words[3]] = true
			}
		case "COPY":
			from, isStage := strings.CutPrefix(words[1], "--from=")
			if isStage {
				require.True(t, stages[from], line)
				continue
			}
			for _, file := range words[1 : len(words)-1] {
				_, err := os.Stat(filepath.Join(root, file))
				require.NoError(t, err, line)
			}
		case "RUN":
			for _, word := range words {
				if strings.HasPrefix(word, "./") {
					require.FileExists(t, filepath.Join(root, word, "main.go"), line)
				}
			}
		case "ENTRYPOINT":
			var entry []string
			require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(line, "ENTRYPOINT ")), &entry))
			require.Contains(t, string(text), "/usr/local/bin/"+entry[0]+"\n")
		case "USER":
			require.NotEqual(t, "root", words[1])
		case "WORKDIR", "EXPOSE":
		default:
			t.Fatalf("unknown instruction: %s", line)
		}
	}
	require.Equal(t, 1, instructions["USER"]*instructions["ENTRYPOINT"], "one each")
}

package embedding_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// service is a process of the guide's program.
type service struct {
	t       *testing.T
	url     string
	process *exec.Cmd
	log     *safeBuffer
	ended   chan struct{}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start starts a program of a module and waits until it serves.
func (m *module) start(program string, env ...string) *service {
	m.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(m.t, err)
	address := l.Addr().String()
	require.NoError(m.t, l.Close())
	s := &service{t: m.t, url: "http://" + address + "/api", log: new(safeBuffer), ended: make(chan struct{})}
	s.process = exec.Command(filepath.Join(m.dir, program))
	s.process.Dir, s.process.Env = m.dir, append(append(os.Environ(), env...), "ADDR="+address)
	s.process.Stderr = s.log
	require.NoError(m.t, s.process.Start())
	go func() {
		_ = s.process.Wait()
		close(s.ended)
	}()
	m.t.Cleanup(s.kill)
	require.Eventually(m.t, func() bool {
		response, err := http.Get(s.url + "/openapi.json")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil
	}, time.Minute, 20*time.Millisecond, s.log)
	return s
}

// kill is kill -9.
func (s *service) kill() {
	_ = s.process.Process.Kill()
	<-s.ended
}

// stop ends the process as a deployment does, and waits.
func (s *service) stop() {
	s.t.Helper()
	require.NoError(s.t, s.process.Process.Signal(os.Interrupt))
	<-s.ended
	require.True(s.t, s.process.ProcessState.Success(), s.log)
}

// answer is what the tests need of a response.
type answer struct {
	status int
	Code   string `json:"code"`
	State  string `json:"state"`
	Step   int    `json:"step"`
	Prompt struct {
		Kind string `json:"kind"`
	} `json:"prompt"`
}

// ask sends the request of a user.
func (s *service) ask(user, method, path string, body map[string]any) (a answer) {
	s.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(s.t, err)
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(text))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User", user)
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err, s.log)
	defer func() { _ = response.Body.Close() }()
	require.NoError(s.t, json.NewDecoder(response.Body).Decode(&a))
	a.status = response.StatusCode
	return a
}

func (s *service) apply(user string, p simulator.Person) answer {
	s.t.Helper()
	a := s.ask(user, http.MethodPost, "/verifications", map[string]any{"name": p.Name, "id_card": p.IDCard, "phone": p.Phone, "consent": "2026-11"})
	require.Equal(s.t, "password", a.Prompt.Kind)
	return a
}

func (s *service) submit(user, input string, step int, members map[string]any) answer {
	s.t.Helper()
	if members == nil {
		members = make(map[string]any)
	}
	members["step"] = step
	return s.ask(user, http.MethodPost, "/verifications/mine/"+input, members)
}

// role makes a role that may log in, and returns a DSN for it.
func role(t *testing.T, dsn, name string) string {
	t.Helper()
	pool := pgtest.Pool(t, dsn, 1)
	_, err := pool.Exec(t.Context(), "CREATE ROLE "+name+" LOGIN")
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		_, err := pool.Exec(ctx, "DROP OWNED BY "+name+"; DROP ROLE "+name)
		require.NoError(t, err)
	})
	return strings.Replace(dsn, "user=postgres", "user="+name, 1)
}

func execute(t *testing.T, dsn, sql string) {
	t.Helper()
	_, err := pgtest.Pool(t, dsn, 1).Exec(t.Context(), sql)
	require.NoError(t, err)
}

// migrate exports the SQL as the guide says and applies it with the owner's role.
func (m *module) migrate(owner string) {
	m.t.Helper()
	m.run("go", "run", "./migrations")
	files, err := filepath.Glob(filepath.Join(m.dir, "sql", "*.sql"))
	require.NoError(m.t, err)
	require.NotEmpty(m.t, files)
	for _, file := range files {
		m.run(psql(m.t), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", file, owner)
	}
}

func psql(t *testing.T) string {
	t.Helper()
	if program, err := exec.LookPath("psql"); err == nil {
		return program
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	require.NoError(t, err)
	require.NotEmpty(t, found, "psql is needed")
	return found[0]
}

// The guide's program on PostgreSQL, with a role that may not create tables: three people
// are at three prompts when it is killed, and one has ended. It is built again with a
// handler and started. Everybody goes on where they were, upstream gets nothing twice, and
// the handler is called for the ends after its beginning, once each.
func TestTheProgramOfTheGuideIsEmbeddedMigratedKilledAndUpgraded(t *testing.T) {
	t.Parallel()
	b := blocks(t)
	m := newModule(t, map[string]string{
		"verification.go": b["postgres/verification.go"], "main.go": b["main.go"], "migrations/main.go": b["migrations/main.go"],
	})
	m.requireAll()
	m.run("go", "build", "-o", "first", ".")

	upstream := simulator.New(simulator.Config{Org: "DEMO"})
	server := httptest.NewServer(upstream)
	defer server.Close()
	defer upstream.Close()
	dsn := cluster.Cluster(t).NewEmptyDatabase(t, "")
	owner, app := role(t, dsn, "embedding_owner"), role(t, dsn, "embedding_app")
	execute(t, dsn, `REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO embedding_owner;
		ALTER DEFAULT PRIVILEGES FOR ROLE embedding_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO embedding_app;
		ALTER DEFAULT PRIVILEGES FOR ROLE embedding_owner GRANT SELECT, USAGE ON SEQUENCES TO embedding_app`)
	env := []string{"UPSTREAM=" + server.URL, "DATABASE_URL=" + app, "NUMBER_SECRET=" + strings.Repeat("k", 32)}
	refusal := m.runFails("./first", append(env, "ADDR=127.0.0.1:0")...)
	require.Contains(t, refusal, "0001_verifications.sql", "without tables it says what to apply")
	m.migrate(owner)

	people := simulator.People()
	at := func(name string) simulator.Person { return people[personOf(t, name)] }
	early, waiting, asked, coded := at("unicom"), at("plain"), at("beijing"), at("sichuan")
	first := m.start("first", env...)
	require.Equal(t, "done", first.submit("early", "password", first.apply("early", early).Step, map[string]any{"password": early.Password}).State)
	atPassword := first.apply("waiting", waiting)
	atCode := first.submit("asked", "password", first.apply("asked", asked).Step, map[string]any{"password": asked.Password})
	atSecond := first.submit("coded", "password", first.apply("coded", coded).Step, map[string]any{"password": coded.Password})
	require.Equal(t, "captcha", atCode.Prompt.Kind)
	require.Equal(t, http.StatusNotFound, first.ask("", http.MethodGet, "/verifications/mine", nil).status)
	first.kill()

	main := strings.Replace(b["main.go"], "\t// Handlers go here.\n", b["handler"], 1)
	m.write("main.go", strings.Replace(main, "carrierfsm/httpapi\"\n", "carrierfsm/httpapi\"\n\t\"github.com/carrierfsm/carrierfsm/outbox\"\n", 1))
	m.write("notify.go", b["notify.go"])
	m.write("notify_test.go", b["notify_test.go"])
	m.run("go", "vet", "./...")
	m.run("go", "test", ".")
	m.run("go", "build", "-o", "second", ".")
	second := m.start("second", env...)

	code := func(p simulator.Person) string { return upstream.Inbox(p.Phone)[len(upstream.Inbox(p.Phone))-1].Code }
	require.Equal(t, atPassword.Step, second.ask("waiting", http.MethodGet, "/verifications/mine", nil).Step)
	a := second.submit("waiting", "password", atPassword.Step, map[string]any{"password": waiting.Password})
	require.Equal(t, "captcha", a.Prompt.Kind)
	require.Equal(t, "done", second.submit("waiting", "captcha", a.Step, map[string]any{"code": code(waiting)}).State)

	a = second.submit("asked", "captcha", atCode.Step, map[string]any{"code": code(asked)})
	require.Equal(t, "password_needed", a.Code, "what was in memory is gone; nothing was sent")
	require.Zero(t, upstream.Arrivals(code(asked)))
	a = second.submit("asked", "captcha", atCode.Step, map[string]any{"code": code(asked), "password": asked.Password})
	require.Equal(t, "query_password", a.Prompt.Kind)
	require.Equal(t, "stale", second.submit("asked", "captcha", atCode.Step, map[string]any{"code": code(asked), "password": asked.Password}).Code, "a second click")
	require.Equal(t, "done", second.submit("asked", "query_password", a.Step, map[string]any{"password": asked.QueryPassword}).State)
	require.Equal(t, "failed", second.ask("coded", http.MethodPost, "/verifications/mine/cancel", map[string]any{}).State)
	require.Positive(t, atSecond.Step)

	for _, p := range []simulator.Person{waiting, asked} {
		require.Equal(t, 1, upstream.LoginAttempts(p.Phone), "of %s", p.Name)
		require.Equal(t, 1, upstream.Arrivals(code(p)), "of %s", p.Name)
	}
	for _, line := range []string{"account of waiting: user-waiting is done", "account of asked: user-asked is done", "account of coded: user-coded is failed"} {
		require.Eventually(t, func() bool { return strings.Contains(second.log.String(), line) }, time.Minute, 10*time.Millisecond, line)
	}
	second.stop()
	require.Equal(t, 3, strings.Count(second.log.String(), ": user-"), second.log)
	require.NotContains(t, second.log.String(), "user-early", "it ended before the handler began")
}

// personOf returns the index of the person with an account at a carrier.
func personOf(t *testing.T, carrier string) int {
	t.Helper()
	for i, c := range simulator.Carriers() {
		if c.Key == carrier {
			return i
		}
	}
	t.Fatalf("no carrier %q", carrier)
	return 0
}

// runFails runs a program of the module that ends with an error, and returns its output.
func (m *module) runFails(program string, env ...string) string {
	m.t.Helper()
	c := exec.CommandContext(m.t.Context(), program)
	c.Dir, c.Env = m.dir, append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	require.Error(m.t, err, string(out))
	return string(out)
}

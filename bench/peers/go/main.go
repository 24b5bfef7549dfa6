// SPDX-License-Identifier: ISC

// A peer: Go's net/http, pgx with its cache of prepared statements, golang-jwt. On 127.0.0.1:PORT; the
// database from PG*.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const columns = "id, user_id, title, description, completed, priority, due_date, created_at, updated_at"

type task struct {
	ID          int64      `json:"id" db:"id"`
	UserID      string     `json:"user_id" db:"user_id"`
	Title       string     `json:"title" db:"title"`
	Description *string    `json:"description" db:"description"`
	Completed   bool       `json:"completed" db:"completed"`
	Priority    string     `json:"priority" db:"priority"`
	DueDate     *time.Time `json:"due_date" db:"due_date"`
	CreatedAt   time.Time  `json:"created_at" db:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at" db:"updated_at"`
}

var (
	pool   *pgxpool.Pool
	secret = []byte(os.Getenv("BETTER_AUTH_SECRET"))
	parser = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
)

func send(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = 500, []byte(`{"detail":"error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

func refuse(w http.ResponseWriter, status int, detail string) {
	send(w, status, map[string]string{"detail": detail})
}

func authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims := jwt.RegisteredClaims{}
		_, err := parser.ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return secret, nil })
		if !found || err != nil {
			refuse(w, 401, "Not authenticated")
		} else if claims.Subject != r.PathValue("user") {
			refuse(w, 403, "Not your tasks")
		} else {
			next(w, r)
		}
	}
}

func query(ctx context.Context, sql string, values ...any) ([]task, error) {
	rows, err := pool.Query(ctx, sql, values...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[task])
}

func one(w http.ResponseWriter, status int, tasks []task, err error) {
	if err != nil {
		refuse(w, 500, "error")
	} else if len(tasks) == 0 {
		refuse(w, 404, "Task not found")
	} else {
		send(w, status, tasks[0])
	}
}

func list(w http.ResponseWriter, r *http.Request) {
	status, limit := r.URL.Query().Get("status"), 100
	var err error
	if text := r.URL.Query().Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
	}
	if err != nil || limit < 1 || limit > 1000 {
		refuse(w, 422, "Invalid query")
		return
	}
	var tasks []task
	if status == "pending" || status == "completed" {
		tasks, err = query(r.Context(), "SELECT "+columns+" FROM tasks WHERE user_id = $1 AND completed = $2 ORDER BY id DESC LIMIT $3",
			r.PathValue("user"), status == "completed", limit)
	} else {
		tasks, err = query(r.Context(), "SELECT "+columns+" FROM tasks WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
			r.PathValue("user"), limit)
	}
	if err != nil {
		refuse(w, 500, "error")
		return
	}
	send(w, 200, tasks)
}

func create(w http.ResponseWriter, r *http.Request) {
	body := struct {
		Title       string     `json:"title"`
		Description *string    `json:"description"`
		Priority    string     `json:"priority"`
		DueDate     *time.Time `json:"due_date"`
	}{Priority: "medium"}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 65536)).Decode(&body)
	length := len([]rune(body.Title))
	if err != nil || length < 1 || length > 200 || (body.Description != nil && len([]rune(*body.Description)) > 1000) {
		refuse(w, 422, "Invalid task")
		return
	}
	tasks, err := query(r.Context(), "INSERT INTO tasks (user_id, title, description, priority, due_date) VALUES ($1, $2, $3, $4, $5) RETURNING "+columns,
		r.PathValue("user"), body.Title, body.Description, body.Priority, body.DueDate)
	one(w, 201, tasks, err)
}

func byID(status int, sql string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			refuse(w, 422, "Invalid id")
			return
		}
		tasks, err := query(r.Context(), sql, r.PathValue("user"), id)
		one(w, status, tasks, err)
	}
}

func main() {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 16
	if pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/{user}/tasks", authorized(list))
	mux.HandleFunc("POST /api/{user}/tasks", authorized(create))
	mux.HandleFunc("GET /api/{user}/tasks/{id}", authorized(byID(200, "SELECT "+columns+" FROM tasks WHERE user_id = $1 AND id = $2")))
	mux.HandleFunc("PATCH /api/{user}/tasks/{id}/complete", authorized(byID(200,
		"UPDATE tasks SET completed = NOT completed, updated_at = now() WHERE user_id = $1 AND id = $2 RETURNING "+columns)))
	err = http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux)
	if !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// SPDX-License-Identifier: ISC

// A peer: axum, sqlx with its cache of prepared statements, jsonwebtoken. On 127.0.0.1:PORT; the
// database from PG*.

use std::{collections::HashMap, env, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, Query, RawPathParams, State, rejection::JsonRejection},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, patch},
};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, postgres::PgPoolOptions};

macro_rules! columns {
    () => {
        "id, user_id, title, description, completed, priority, due_date, created_at, updated_at"
    };
}

const OF_STATE: &str = concat!(
    "SELECT ", columns!(), " FROM tasks WHERE user_id = $1 AND completed = $2 ORDER BY id DESC LIMIT $3"
);
const OF_USER: &str = concat!("SELECT ", columns!(), " FROM tasks WHERE user_id = $1 ORDER BY id DESC LIMIT $2");
const ONE: &str = concat!("SELECT ", columns!(), " FROM tasks WHERE user_id = $1 AND id = $2");
const INSERT: &str = concat!(
    "INSERT INTO tasks (user_id, title, description, priority, due_date) VALUES ($1, $2, $3, $4, $5) RETURNING ",
    columns!()
);
const TOGGLE: &str = concat!(
    "UPDATE tasks SET completed = NOT completed, updated_at = now() WHERE user_id = $1 AND id = $2 RETURNING ",
    columns!()
);

#[derive(FromRow, Serialize)]
struct Task {
    id: i64,
    user_id: String,
    title: String,
    description: Option<String>,
    completed: bool,
    priority: String,
    due_date: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct NewTask {
    title: String,
    description: Option<String>,
    #[serde(default = "medium")]
    priority: String,
    due_date: Option<DateTime<Utc>>,
}

fn medium() -> String {
    "medium".into()
}

#[derive(Deserialize)]
struct Asked {
    status: Option<String>,
    #[serde(default = "hundred")]
    limit: i64,
}

fn hundred() -> i64 {
    100
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

struct App {
    pool: PgPool,
    key: DecodingKey,
    validation: Validation,
}

struct Refusal(StatusCode, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(HashMap::from([("detail", self.1)]))).into_response()
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Refusal(StatusCode::NOT_FOUND, "Task not found"),
            _ => Refusal(StatusCode::INTERNAL_SERVER_ERROR, "error"),
        }
    }
}

/// The user of the path, who is the token's too.
struct User(String);

impl FromRequestParts<Arc<App>> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let anonymous = Refusal(StatusCode::UNAUTHORIZED, "Not authenticated");
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(|text| text.strip_prefix("Bearer ")) else {
            return Err(anonymous);
        };
        let Ok(found) = decode::<Claims>(token, &app.key, &app.validation) else {
            return Err(anonymous);
        };
        let path = RawPathParams::from_request_parts(parts, app).await;
        let user = found.claims.sub;
        if path.is_ok_and(|path| path.iter().any(|(name, value)| name == "user" && value == user)) {
            Ok(User(user))
        } else {
            Err(Refusal(StatusCode::FORBIDDEN, "Not your tasks"))
        }
    }
}

async fn list(
    State(app): State<Arc<App>>, User(user): User, Query(asked): Query<Asked>,
) -> Result<Json<Vec<Task>>, Refusal> {
    if !(1..=1000).contains(&asked.limit) {
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid query"));
    }
    let query = match asked.status.as_deref() {
        Some(status @ ("pending" | "completed")) => {
            sqlx::query_as(OF_STATE).bind(user).bind(status == "completed")
        }
        _ => sqlx::query_as(OF_USER).bind(user),
    };
    Ok(Json(query.bind(asked.limit).fetch_all(&app.pool).await?))
}

async fn create(
    State(app): State<Arc<App>>, User(user): User, body: Result<Json<NewTask>, JsonRejection>,
) -> Result<(StatusCode, Json<Task>), Refusal> {
    let invalid = Refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid task");
    let Ok(Json(task)) = body else {
        return Err(invalid);
    };
    let described = task.description.as_ref().map_or(0, |text| text.chars().count());
    if !(1..=200).contains(&task.title.chars().count()) || described > 1000 {
        return Err(invalid);
    }
    let query = sqlx::query_as(INSERT).bind(user).bind(task.title).bind(task.description);
    let made = query.bind(task.priority).bind(task.due_date).fetch_one(&app.pool).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

async fn read(
    State(app): State<Arc<App>>, User(user): User, Path((_, id)): Path<(String, i64)>,
) -> Result<Json<Task>, Refusal> {
    Ok(Json(sqlx::query_as(ONE).bind(user).bind(id).fetch_one(&app.pool).await?))
}

async fn toggle(
    State(app): State<Arc<App>>, User(user): User, Path((_, id)): Path<(String, i64)>,
) -> Result<Json<Task>, Refusal> {
    Ok(Json(sqlx::query_as(TOGGLE).bind(user).bind(id).fetch_one(&app.pool).await?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // As Go's pool does, it looks at a connection when it breaks, not each time that one is taken.
    let pool = PgPoolOptions::new().max_connections(16).test_before_acquire(false);
    let app = App {
        pool: pool.connect_with(Default::default()).await?,
        key: DecodingKey::from_secret(env::var("BETTER_AUTH_SECRET")?.as_bytes()),
        validation: Validation::new(Algorithm::HS256),
    };
    let routes = Router::new()
        .route("/api/{user}/tasks", get(list).post(create))
        .route("/api/{user}/tasks/{id}", get(read))
        .route("/api/{user}/tasks/{id}/complete", patch(toggle))
        .with_state(Arc::new(app));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", env::var("PORT")?)).await?;
    Ok(axum::serve(listener, routes).await?)
}

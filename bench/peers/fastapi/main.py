# SPDX-License-Identifier: ISC
"""The peer that the product takes the place of, as its family writes it: FastAPI, SQLModel, PyJWT and
psycopg2, endpoints that are no coroutines, a session for each request."""

import datetime
import enum
import os

import fastapi
import fastapi.security
import jwt
import sqlalchemy
import sqlmodel

COLUMN = sqlalchemy.Column
engine = sqlmodel.create_engine("postgresql+psycopg2://", pool_size=10, max_overflow=0)
app = fastapi.FastAPI()


class Priority(str, enum.Enum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


class Status(str, enum.Enum):
    all = "all"
    pending = "pending"
    completed = "completed"


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)


def instant(**options):
    return COLUMN(sqlalchemy.DateTime(timezone=True), **options)


class NewTask(sqlmodel.SQLModel):
    title: str = sqlmodel.Field(min_length=1, max_length=200)
    description: str | None = sqlmodel.Field(default=None, max_length=1000)
    priority: Priority = Priority.medium
    due_date: datetime.datetime | None = None


class Task(sqlmodel.SQLModel, table=True):
    __tablename__ = "tasks"
    user_id: str = sqlmodel.Field(sa_column=COLUMN(sqlalchemy.Text, primary_key=True))
    id: int | None = sqlmodel.Field(
        default=None, sa_column=COLUMN(sqlalchemy.BigInteger, sqlalchemy.Identity(), primary_key=True))
    title: str
    description: str | None = None
    completed: bool = False
    priority: str = "medium"
    due_date: datetime.datetime | None = sqlmodel.Field(default=None, sa_column=instant())
    created_at: datetime.datetime = sqlmodel.Field(default_factory=utc_now, sa_column=instant(nullable=False))
    updated_at: datetime.datetime = sqlmodel.Field(default_factory=utc_now, sa_column=instant(nullable=False))


class TaskOut(sqlmodel.SQLModel):
    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    priority: str
    due_date: datetime.datetime | None
    created_at: datetime.datetime
    updated_at: datetime.datetime


def database():
    with sqlmodel.Session(engine) as session:
        yield session


def owner(user_id: str, credentials: fastapi.security.HTTPAuthorizationCredentials
          | None = fastapi.Depends(fastapi.security.HTTPBearer(auto_error=False))) -> str:
    """The user of the path, when the token is that user's."""
    if credentials is None:
        raise fastapi.HTTPException(401, "Not authenticated")
    try:
        claims = jwt.decode(credentials.credentials, os.environ["BETTER_AUTH_SECRET"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise fastapi.HTTPException(401, "Invalid token")
    if claims.get("sub") != user_id:
        raise fastapi.HTTPException(403, "Not your tasks")
    return user_id


def find(session, user, number):
    task = session.exec(sqlmodel.select(Task).where(Task.user_id == user, Task.id == number)).first()
    if task is None:
        raise fastapi.HTTPException(404, "Task not found")
    return task


@app.get("/api/{user_id}/tasks", response_model=list[TaskOut])
def list_tasks(status: Status = Status.all, limit: int = fastapi.Query(100, ge=1, le=1000),
               user: str = fastapi.Depends(owner), session: sqlmodel.Session = fastapi.Depends(database)):
    statement = sqlmodel.select(Task).where(Task.user_id == user)
    if status is not Status.all:
        statement = statement.where(Task.completed == (status is Status.completed))
    return session.exec(statement.order_by(Task.id.desc()).limit(limit)).all()


@app.post("/api/{user_id}/tasks", response_model=TaskOut, status_code=201)
def create_task(new: NewTask, user: str = fastapi.Depends(owner),
                session: sqlmodel.Session = fastapi.Depends(database)):
    task = Task(user_id=user, title=new.title, description=new.description, priority=new.priority.value,
                due_date=new.due_date)
    session.add(task)
    session.commit()
    session.refresh(task)
    return task


@app.get("/api/{user_id}/tasks/{number}", response_model=TaskOut)
def read_task(number: int, user: str = fastapi.Depends(owner),
              session: sqlmodel.Session = fastapi.Depends(database)):
    return find(session, user, number)


@app.patch("/api/{user_id}/tasks/{number}/complete", response_model=TaskOut)
def toggle_task(number: int, user: str = fastapi.Depends(owner),
                session: sqlmodel.Session = fastapi.Depends(database)):
    task = find(session, user, number)
    task.completed = not task.completed
    task.updated_at = utc_now()
    session.add(task)
    session.commit()
    session.refresh(task)
    return task

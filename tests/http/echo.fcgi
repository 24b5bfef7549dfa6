#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A FastCGI program that answers with what it was told, as JSON: the variables, whether the web server
wants to keep the connection, and who it is. It takes one request a connection, from descriptor 0."""

import json
import os
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6


def record(kind, content=b""):
    return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def read_length(data, at):
    if data[at] < 128:
        return data[at], at + 1
    return struct.unpack_from("!I", data, at)[0] & 0x7FFFFFFF, at + 4


def read_variables(data):
    variables, at = {}, 0
    while at < len(data):
        name, at = read_length(data, at)
        value, at = read_length(data, at)
        variables[data[at:at + name].decode()] = data[at + name:at + name + value].decode("latin-1")
        at += name + value
    return variables


def read_request(stream):
    keeps, params, body = False, b"", b""
    while True:
        _, kind, _, size, padding, _ = struct.unpack("!BBHHBB", stream.read(8))
        content = stream.read(size + padding)[:size]
        if kind == BEGIN:
            keeps = bool(content[2] & 1)
        elif kind == PARAMS:
            params += content
        elif kind == STDIN and size == 0:
            return keeps, read_variables(params), body
        elif kind == STDIN:
            body += content


def answer(listener, connection):
    keeps, variables, body = read_request(connection.makefile("rb"))
    text = json.dumps({
        "variables": variables, "keeps": keeps, "body": len(body),
        "who": [listener.getsockname(), os.environ.get("TODO_WORKERS"), os.nice(0)]})
    head = f"Status: 200\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    connection.sendall(record(STDOUT, (head + text).encode()) + record(STDOUT)
                       + record(END, struct.pack("!IB3x", 0, 0)))


with socket.socket(fileno=0) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            answer(listener, connection)

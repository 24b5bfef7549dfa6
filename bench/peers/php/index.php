<?php
// SPDX-License-Identifier: ISC
// A peer: plain PHP under PHP-FPM with opcache, and a PDO connection that outlives the request.
declare(strict_types=1);

const COLUMNS = 'id, user_id, title, description, completed, priority, due_date, created_at, updated_at';
const PRIORITIES = ['low', 'medium', 'high', 'critical'];

function answer(int $status, mixed $value): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    $body = json_encode($value, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    header('Content-Length: ' . strlen($body));
    echo $body;
    exit;
}

function refuse(int $status, string $detail): never
{
    answer($status, ['detail' => $detail]);
}

function decode_segment(string $segment): string
{
    return (string) base64_decode(strtr($segment, '-_', '+/'), true);
}

function token_user(): string
{
    if (!preg_match('/^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/', $_SERVER['HTTP_AUTHORIZATION'] ?? '', $part)) {
        refuse(401, 'Not authenticated');
    }
    $signature = hash_hmac('sha256', "$part[1].$part[2]", $_SERVER['BETTER_AUTH_SECRET'], true);
    $header = json_decode(decode_segment($part[1]), true);
    if (($header['alg'] ?? null) !== 'HS256' || !hash_equals($signature, decode_segment($part[3]))) {
        refuse(401, 'Invalid token');
    }
    $claims = json_decode(decode_segment($part[2]), true);
    if (($claims['exp'] ?? 0) <= time() || !is_string($claims['sub'] ?? null)) {
        refuse(401, 'Invalid token');
    }
    return $claims['sub'];
}

// PDO's own emulation of parameters: a statement that is prepared anew for each request costs more.
function rows(string $sql, array $values): array
{
    $database = new PDO($_SERVER['PDO_DSN'], $_SERVER['PGUSER'], $_SERVER['PGPASSWORD'], [
        PDO::ATTR_PERSISTENT => true,
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        PDO::PGSQL_ATTR_DISABLE_PREPARES => true,
    ]);
    $statement = $database->prepare($sql);
    foreach ($values as $i => $value) {
        $statement->bindValue($i + 1, $value, match (true) {
            is_int($value) => PDO::PARAM_INT,
            is_bool($value) => PDO::PARAM_BOOL,
            is_null($value) => PDO::PARAM_NULL,
            default => PDO::PARAM_STR,
        });
    }
    $statement->execute();
    return array_map(with_times(...), $statement->fetchAll());
}

function with_times(array $task): array
{
    foreach (['due_date', 'created_at', 'updated_at'] as $name) {
        if ($task[$name] !== null) {
            $task[$name] = strtr(substr($task[$name], 0, -3), ' ', 'T') . 'Z';
        }
    }
    return $task;
}

function one(array $tasks, int $status = 200): never
{
    $tasks ? answer($status, $tasks[0]) : refuse(404, 'Task not found');
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!preg_match('~^/api/([^/]+)/tasks(?:/(\d{1,18})(/complete)?)?$~', $path, $part)) {
    refuse(404, 'Not found');
}
$user = rawurldecode($part[1]);
if (token_user() !== $user) {
    refuse(403, 'Not your tasks');
}
$what = $_SERVER['REQUEST_METHOD'] . (isset($part[2]) ? ' task' : ' list') . ($part[3] ?? '');
switch ($what) {
    case 'GET list':
        $status = $_GET['status'] ?? 'all';
        $limit = filter_var($_GET['limit'] ?? 100, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1, 'max_range' => 1000]]);
        if (!in_array($status, ['all', 'pending', 'completed'], true) || $limit === false) {
            refuse(422, 'Invalid query');
        }
        $filter = $status === 'all' ? '' : ' AND completed = ?';
        $values = $status === 'all' ? [$user, $limit] : [$user, $status === 'completed', $limit];
        answer(200, rows('SELECT ' . COLUMNS . " FROM tasks WHERE user_id = ?$filter ORDER BY id DESC LIMIT ?", $values));
    case 'POST list':
        $new = json_decode(file_get_contents('php://input'), true);
        $length = is_string($new['title'] ?? null) ? mb_strlen($new['title']) : 0;
        $priority = $new['priority'] ?? 'medium';
        if ($length < 1 || $length > 200 || mb_strlen($new['description'] ?? '') > 1000 || !in_array($priority, PRIORITIES, true)) {
            refuse(422, 'Invalid task');
        }
        one(rows('INSERT INTO tasks (user_id, title, description, priority, due_date) VALUES (?, ?, ?, ?, ?) RETURNING ' . COLUMNS,
            [$user, $new['title'], $new['description'] ?? null, $priority, $new['due_date'] ?? null]), 201);
    case 'GET task':
        one(rows('SELECT ' . COLUMNS . ' FROM tasks WHERE user_id = ? AND id = ?', [$user, (int) $part[2]]));
    case 'PATCH task/complete':
        one(rows('UPDATE tasks SET completed = NOT completed, updated_at = now() WHERE user_id = ? AND id = ? RETURNING ' . COLUMNS,
            [$user, (int) $part[2]]));
    default:
        refuse(405, 'Method not allowed');
}

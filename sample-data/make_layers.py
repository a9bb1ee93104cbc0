#!/usr/bin/env python3
"""Makes the files of `layers`: the same bytes each time. Standard library only.

A small picture service on 2026-11-20: CloudFront, behind it an Application Load Balancer, behind that nginx and a Lambda function. Quiet traffic
from 09:00 to 09:30 UTC, in it two stories (see layers/README.md). Older load balancers and an Apache are beside them.
"""

import gzip
import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).parent / "layers"
DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)
ELB = "app/pictures/3f1d9e6a7c2b4805"
NODE = "198.51.100.61"
ACCOUNT = "123456789012"
REGION = "eu-central-1"
HOST = "pictures.example"
DISTRIBUTION = "d111111abcdef8.cloudfront.net"
GROUPS = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/6b5f1d2e-0c9a-4f7b-8a51-3d2c1b0a9f8e"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "PicturesApp/4.2 (Android 16)"
rng = random.Random(20)


def at(clock, offset=0.0):
    hours, minutes, seconds = clock.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds) + offset)


def micros(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def millis(time):
    return micros(time)[:-4] + "Z"


class Request:
    """What one request is on every layer. Times are seconds; `behind` is the target's share."""

    def __init__(self, arrival, client, method, path, status, behind, received, sent, agent=BROWSER, kind="nginx", **more):
        self.arrival, self.client, self.method, self.path, self.status = arrival, client, method, path, status
        self.behind, self.received, self.sent, self.agent, self.kind = behind, received, sent, agent, kind
        self.target_status = more.get("target_status", status)
        self.error_reason = more.get("error_reason", "-")
        self.end = arrival + timedelta(seconds=behind + 0.003)
        self.port = rng.randrange(20000, 60000)
        self.edge = f"216.137.{rng.randrange(32, 64)}.{rng.randrange(1, 255)}"
        self.trace = f"1-{int(arrival.timestamp()):08x}-{rng.randrange(1 << 96):024x}"
        self.connection = f"TID_{rng.randrange(1 << 64):016x}"
        self.edge_id = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", k=54)) + "=="
        self.request_id = more.get("request_id", f"{rng.randrange(1 << 128):032x}")


def quiet():
    """Ordinary requests."""
    requests = []
    clients = [f"203.0.113.{n}" for n in (7, 19, 42, 63, 88, 131, 200)] + ["2001:db8:7:1::2a"]
    time = at("09:00:01.2")
    while time < at("09:29:30"):
        client = rng.choice(clients)
        agent = PHONE if client.endswith(("7", "2a")) else BROWSER
        album = rng.randrange(1, 60)
        method, path, received, sent = rng.choice(
            [
                ("GET", "/", 420, 5120),
                ("GET", f"/api/albums/{album}", 510, rng.randrange(2_000, 9_000)),
                ("GET", f"/api/albums/{album}/photos?page=2", 530, rng.randrange(9_000, 40_000)),
                ("POST", f"/api/albums/{album}/photos", rng.randrange(900_000, 9_000_000), 390),
                ("GET", "/assets/app.3f9ac21b.js", 460, 188_000),
                ("POST", "/api/orders", 1300, 250),
            ]
        )
        kind = "lambda" if path == "/api/orders" else "nginx"
        behind = rng.uniform(0.9, 3.1) if kind == "lambda" else rng.uniform(0.004, 0.09) + received / 4e7
        status = 404 if path.startswith("/api/albums/13") else 201 if method == "POST" else 200
        request_id = "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}".format(*(rng.randrange(1 << bits) for bits in (32, 16, 12, 12, 48)))
        more = {"request_id": request_id} if kind == "lambda" else {}
        requests.append(Request(time, client, method, path, status, round(behind, 3), received, sent, agent, kind, **more))
        time += timedelta(seconds=rng.expovariate(1 / 24), microseconds=rng.randrange(1000))
    return requests


def stories():
    upload = Request(at("09:14:07.163041"), "203.0.113.77", "POST", "/api/albums/17/photos", 413, 0.212, 21_770_612, 733, PHONE)
    upload.body = 21_770_024
    uuid = "5e0c7f1a-93b4-4d0e-a2c7-61f08b3d9e24"
    order = Request(
        at("09:21:40.018252"), "203.0.113.150", "POST", "/api/orders", 502, 15.021, 1412, 277, BROWSER, "lambda",
        target_status=None, error_reason="LambdaUnhandled", request_id=uuid,
    )
    return upload, order


UPLOAD, ORDER = stories()
REQUESTS = sorted([*quiet(), UPLOAD, ORDER], key=lambda r: r.end)


def seconds(value):
    return "-1" if value is None else f"{value:.3f}"


def alb(r):
    target = f"10.0.{1 + r.port % 2}.15:8080" if r.kind == "nginx" else "-"
    group = f"{GROUPS}/{'web' if r.kind == 'nginx' else 'orders'}/{'73e2d6bc24d8a067' if r.kind == 'nginx' else '943f017f100becff'}"
    times = (0.001, r.behind, 0.000) if r.target_status else (None, None, None)
    status = r.target_status or "-"
    return (
        f'https {micros(r.end)} {ELB} {r.edge}:{r.port} {target} {" ".join(map(seconds, times))} {r.status} {status} {r.received} {r.sent} '
        f'"{r.method} https://{HOST}:443{r.path} HTTP/1.1" "{r.agent}" TLS_AES_128_GCM_SHA256 TLSv1.3 {group} "Root={r.trace}" "{HOST}" '
        f'"{CERTIFICATE}" 1 {micros(r.arrival)} "forward" "-" "{r.error_reason}" "{target}" "{status}" "-" "-" {r.connection} "-" "-" "-" {NODE} - -'
    )


def cloudfront_fields(r):
    """By name, as the W3C form has them."""
    end = r.end + timedelta(seconds=0.03)
    result = "Error" if r.status >= 400 else "Miss"
    return {
        "date": f"{end:%Y-%m-%d}", "time": f"{end:%H:%M:%S}", "x-edge-location": "FRA60-P4", "sc-bytes": str(r.sent + 310),
        "c-ip": r.client, "cs-method": r.method, "cs(Host)": DISTRIBUTION, "cs-uri-stem": r.path.split("?")[0], "sc-status": str(r.status),
        "cs(Referer)": "-", "cs(User-Agent)": r.agent.replace(" ", "%20").replace(";", "%3B"),
        "cs-uri-query": r.path.partition("?")[2] or "-", "cs(Cookie)": "-", "x-edge-result-type": result, "x-edge-request-id": r.edge_id,
        "x-host-header": HOST, "cs-protocol": "https", "cs-bytes": str(r.received), "time-taken": f"{r.behind + 0.064:.3f}",
        "x-forwarded-for": "-", "ssl-protocol": "TLSv1.3", "ssl-cipher": "TLS_AES_128_GCM_SHA256", "x-edge-response-result-type": result,
        "cs-protocol-version": "HTTP/2.0", "fle-status": "-", "fle-encrypted-fields": "-", "c-port": str(r.port),
        "time-to-first-byte": f"{r.behind + 0.060:.3f}", "x-edge-detailed-result-type": result, "sc-content-type": "application/json",
        "sc-content-len": "-", "sc-range-start": "-", "sc-range-end": "-",
    }


def nginx(r):
    """`main` with the client CloudFront saw, the times and the trace."""
    end = r.end - timedelta(milliseconds=1)
    upstream = "-" if r.status == 413 else f"{r.behind - 0.001:.3f}"
    forwarded = f"{r.client}, {r.edge}"
    return (
        f'10.0.0.{20 + r.port % 3} - - [{end:%d/%b/%Y:%H:%M:%S} +0000] "{r.method} {r.path} HTTP/1.1" {r.status} {max(r.sent - 260, 0)} "-" '
        f'"{r.agent}" "{forwarded}" rt={r.behind:.3f} uct="{"-" if upstream == "-" else "0.000"}" uht="{upstream}" urt="{upstream}"'
    )


def nginx_error(time, level, message):
    return f"{time:%Y/%m/%d %H:%M:%S} [{level}] {message}"


def nginx_errors():
    proxy = f"10.0.0.{20 + UPLOAD.port % 3}"
    return [
        nginx_error(at("09:00:00"), "notice", "1#1: nginx/1.29.3"),
        nginx_error(at("09:00:00"), "notice", "1#1: start worker processes"),
        nginx_error(
            at("09:08:51"), "warn",
            f'31#31: *412 a client request body is buffered to a temporary file /var/cache/nginx/client_temp/0000000007, client: {proxy}, '
            f'server: {HOST}, request: "POST /api/albums/31/photos HTTP/1.1", host: "{HOST}"',
        ),
        nginx_error(
            UPLOAD.end, "error",
            f"31#31: *618 client intended to send too large body: {UPLOAD.body} bytes, client: {proxy}, server: {HOST}, "
            f'request: "POST {UPLOAD.path} HTTP/1.1", host: "{HOST}"',
        ),
    ]


def lambda_events():
    """Text events of the function `orders`, as `aws logs filter-log-events` gives them."""
    stream = "2026/11/20/[$LATEST]0f4be4a1c2d84d7c9f3b6a5e8d7c6b5a"
    events = []

    def event(time, message):
        stamp = int(time.timestamp() * 1000)
        events.append(
            {"logStreamName": stream, "timestamp": stamp, "message": message + "\n", "ingestionTime": stamp + 900, "eventId": f"{len(events):056d}"}
        )

    def log(time, r, message):
        event(time, f"{millis(time)}\t{r.request_id}\tINFO\t{message}")

    event(at("09:00:30"), "INIT_START Runtime Version: nodejs:24.v9\tRuntime Version ARN: arn:aws:lambda:eu-central-1::runtime:0a1b2c")
    for number, r in enumerate(sorted((r for r in REQUESTS if r.kind == "lambda"), key=lambda r: r.arrival), 4690):
        start = r.arrival + timedelta(milliseconds=9)
        event(start, f"START RequestId: {r.request_id} Version: $LATEST")
        log(start + timedelta(milliseconds=160), r, f"order {number} stored, payment accepted")
        trace = f"XRAY TraceId: {r.trace}\tSegmentId: {number:016x}\tSampled: true\t"
        if r is ORDER:
            log(start + timedelta(milliseconds=171), r, "sending confirmation by mail relay 10.0.3.40")
            end = start + timedelta(seconds=15)
            event(end, f"{millis(end)} {r.request_id} Task timed out after 15.00 seconds\n")
            event(end, f"END RequestId: {r.request_id}")
            event(
                end,
                f"REPORT RequestId: {r.request_id}\tDuration: 15000.00 ms\tBilled Duration: 15000 ms\tMemory Size: 256 MB\t"
                f"Max Memory Used: 97 MB\t{trace}Status: timeout\t",
            )
        else:
            took = r.behind * 1000 - 12
            end = start + timedelta(milliseconds=took)
            log(end - timedelta(milliseconds=3), r, "confirmation sent")
            event(end, f"END RequestId: {r.request_id}")
            event(
                end,
                f"REPORT RequestId: {r.request_id}\tDuration: {took:.2f} ms\tBilled Duration: {int(took) + 1} ms\tMemory Size: 256 MB\t"
                f"Max Memory Used: 96 MB\t{trace}",
            )
    return {"events": events, "searchedLogStreams": []}


def lambda_json():
    """JSON system and application events of another function, one a line."""
    lines = []
    for i in range(3):
        time = at(f"09:0{2 * i + 1}:12.5")
        request = f"0d{i}a7e42-1111-4222-8333-44455566677{i}"
        end = time + timedelta(seconds=5 if i == 2 else 0.42)
        status, took = ("timeout", 5000.0) if i == 2 else ("success", 421.37)
        lines += [
            {"time": millis(time), "type": "platform.start", "record": {"requestId": request, "version": "$LATEST"}},
            {"timestamp": millis(time + timedelta(milliseconds=30)), "level": "INFO", "message": f"resizing photo {i}", "requestId": request},
            {"time": millis(end), "type": "platform.runtimeDone", "record": {"requestId": request, "status": status}},
            {
                "time": millis(end), "type": "platform.report",
                "record": {
                    "requestId": request, "status": status,
                    "metrics": {"durationMs": took, "billedDurationMs": int(took) + 1, "memorySizeMB": 512, "maxMemoryUsedMB": 201},
                },
            },
        ]
    return lines


def container_insights():
    events = []
    for minute in range(30):
        time = at(f"09:{minute:02d}:00")
        for task in ("a1", "b2"):
            used = rng.uniform(60, 190)
            events.append(
                {
                    "Version": "0", "Type": "Task", "Timestamp": int(time.timestamp() * 1000), "ClusterName": "pictures", "ServiceName": "web",
                    "TaskId": f"{task}0f", "TaskDefinitionFamily": "web", "CpuUtilized": round(used, 3), "CpuReserved": 512.0,
                    "MemoryUtilized": 301, "MemoryReserved": 1024,
                }
            )
    return events


def connections():
    for r in REQUESTS[:12]:
        yield (
            f'{micros(r.arrival - timedelta(milliseconds=21))} {r.edge} {r.port} 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.011 "-" - - - {r.connection} '
            f"X25519MLKEM768 {ELB} {NODE}"
        )
    yield f'{micros(at("09:17:03.5"))} 192.0.2.99 40112 443 TLSv1.2 - - "-" - - - TID_00000000deadbeef - {ELB} {NODE}'


def health_checks():
    for minute in range(0, 30, 5):
        for address in ("10.0.1.15:8080", "10.0.2.15:8080"):
            failed = minute == 25 and address.startswith("10.0.2")
            result = "FAIL - TimedOut" if failed else "PASS 200 -"
            latency = "5.003120444" if failed else f"{rng.uniform(0.002, 0.009):.9f}"
            yield f"http {micros(at(f'09:{minute:02d}:11.25'))} {latency} {address} web {result} {ELB} {NODE}"


def classic():
    for i in range(8):
        time = at(f"09:0{i}:44.5")
        status = "504 0" if i == 5 else "200 200"
        times = "-1 -1 -1" if i == 5 else f"0.000073 {rng.uniform(0.001, 0.02):.6f} 0.00005"
        backend = "-" if i == 5 else "10.0.9.8:80"
        yield (
            f'{micros(time)} old-intranet 198.51.100.{20 + i}:41{i}22 {backend} {times} {status} 0 1204 '
            f'"GET https://intranet.example:443/wiki/page/{40 + i} HTTP/1.1" "{BROWSER}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2'
        )
    yield f'{micros(at("09:12:00"))} old-intranet 198.51.100.40:5022 10.0.9.8:2222 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -'


def network():
    for i in range(6):
        end = at(f"09:1{i}:09")
        failed = i == 4
        handshake = "- 0 0 - - - - - - -" if failed else f"7 1811 40112 - {CERTIFICATE} - TLS_AES_128_GCM_SHA256 tlsv13 - mqtt.example"
        yield (
            f"tls 2.0 {end:%Y-%m-%dT%H:%M:%S} net/devices/c6e77e28c25b2234 g3d4b5e8bb8464cd 198.51.100.{60 + i}:5130{i} 10.0.4.4:8883 "
            f"{0 if failed else 31000} {handshake} - - - {end - timedelta(seconds=31):%Y-%m-%dT%H:%M:%S}"
        )


def apache():
    for i in range(10):
        time = at(f"09:0{i}:20")
        status, size = ((200, 5120), (304, "-"), (403, 199), (500, 612))[(i * 7) % 4]
        agent = 'Mozilla/5.0 (compatible; \\"Monitor\\"/2.1)' if i % 4 == 1 else BROWSER
        yield f'wiki.example:443 198.51.100.{20 + i} - {"jane doe" if i == 3 else "-"} [{time:%d/%b/%Y:%H:%M:%S} +0000] "GET /wiki/page/{i} HTTP/1.1" {status} {size} "-" "{agent}"'


def ingress():
    for r in [r for r in REQUESTS if r.kind == "nginx"][:10]:
        end = r.end + timedelta(hours=3)
        yield (
            f'{r.client} - - [{end:%d/%b/%Y:%H:%M:%S} +0000] "{r.method} {r.path} HTTP/2.0" {r.status} {r.sent} "-" "{r.agent}" {r.received} '
            f"{r.behind:.3f} [shop-web-80] [] 10.42.0.{r.port % 200}:8080 {r.sent} {r.behind - 0.001:.3f} {r.status} {r.request_id}"
        )


def nginx_json():
    for r in [r for r in REQUESTS if r.kind == "nginx"][10:20]:
        yield json.dumps(
            {
                "time_iso8601": f"{r.end + timedelta(hours=4):%Y-%m-%dT%H:%M:%S}+00:00", "remote_addr": r.client, "request_method": r.method, "request_uri": r.path,
                "status": r.status, "body_bytes_sent": r.sent, "request_time": r.behind, "upstream_response_time": f"{r.behind - 0.001:.3f}",
                "upstream_status": str(r.status), "upstream_addr": "10.42.0.9:8080", "http_user_agent": r.agent, "host": "json.example",
                "request_id": r.request_id,
            }
        )


def vended():
    """ALB access logs as CloudWatch delivers them: JSON, fields as chosen."""
    for r in REQUESTS[-6:]:
        yield json.dumps(
            {
                "type": "https", "time": micros(r.end + timedelta(hours=1)), "elb": "app/vended/0011223344556677", "client_port": f"{r.client}:{r.port}",
                "target_port": "10.0.7.7:80", "request_processing_time": 0.001, "target_processing_time": r.behind, "response_processing_time": 0.0,
                "elb_status_code": r.status, "target_status_code": str(r.status), "received_bytes": r.received, "sent_bytes": r.sent,
                "request_line": f"{r.method} https://vended.example:443{r.path} HTTP/2.0", "user_agent": r.agent, "trace_id": f"Root={r.trace}",
                "request_creation_time": micros(r.arrival + timedelta(hours=1)),
            }
        )


def write(name, text):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)


def lines(items):
    return "".join(f"{item}\n" for item in items)


def main():
    stamp = "20261120T0930Z"
    folder = f"AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/2026/11/20"
    name = f"{ACCOUNT}_elasticloadbalancing_{REGION}"
    write(f"{folder}/{name}_app.pictures.3f1d9e6a7c2b4805_{stamp}_{NODE}_2pl4ye9q.log.gz", lines(map(alb, REQUESTS)))
    write(f"{folder}/conn_log_{name}_app.pictures.3f1d9e6a7c2b4805_{stamp}_{NODE}_5b0t1x7a.log.gz", lines(connections()))
    write(f"{folder}/health_check_log_{name}_app.pictures.3f1d9e6a7c2b4805_{stamp}_{NODE}_9w8e7r6t.log.gz", lines(health_checks()))
    write(f"{folder}/{name}_old-intranet_{stamp}_198.51.100.7_1x2c3v4b.log", lines(classic()))
    write(f"{folder}/{name}_net.devices.c6e77e28c25b2234_{stamp}_8u7y6t5r.log.gz", lines(network()))
    fields = [cloudfront_fields(r) for r in REQUESTS]
    header = f"#Version: 1.0\n#Fields: {' '.join(fields[0])}\n"
    write("cloudfront/EXAMPLE1234567.2026-11-20-09.a1b2c3d4.gz", header + lines("\t".join(f.values()) for f in fields))
    write("cloudfront/v2.json", lines(json.dumps({**f, "date": "2026-11-21", "asn": "64500", "c-country": "DE", "x-host-header": "v2.example"}) for f in fields[:5]))
    write("nginx/access.log", lines(nginx(r) for r in REQUESTS if r.kind == "nginx"))
    write("nginx/error.log", lines(nginx_errors()))
    write("nginx/ingress.log", lines(ingress()))
    write("nginx/access.json", lines(nginx_json()))
    write("apache/other_vhosts_access.log", lines(apache()))
    write("lambda/orders.json", json.dumps(lambda_events(), indent=1) + "\n")
    write("lambda/resize.ndjson", lines(map(json.dumps, lambda_json())))
    write("alb-vended.json", lines(vended()))
    write("container-insights.ndjson", lines(map(json.dumps, container_insights())))


main()

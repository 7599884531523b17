#!/usr/bin/env python3
"""Tells Daicho of rentals: one JSON order a line on standard input. See ../README.md."""
import http.client, json, os, random, sys, time, urllib.error, urllib.request

URL, TOKEN = os.environ["DAICHO_URL"] + "/v1/events", os.environ["DAICHO_TOKEN"]


def event(order):
    """The id follows from the order: sent again, it is a duplicate."""
    return {
        "specversion": "1.0", "id": f"order-{order['number']}", "source": "/rental/web", "type": "daicho.collected.v1",
        "subject": f"rental:{order['customer']}", "time": order["at"],
        "data": {
            "records": [{"key": f"{order['number']}/name", "category": "pd:Name", "value": order["name"]}],
            "purposes": [{"id": "SVC-01", "basis": "contract"}], "matter": order["number"], "operation": "rental",
            "location": "rental-db", "channel": "web", "transport": "tls", "notice": {"policy": "2025-10", "language": "ja"},
            "person": {"kind": "customer", "country": "JP"},
        },
    }


def post(body):
    """The status and the answer; 0 when nobody answers."""
    request = urllib.request.Request(URL, json.dumps(body).encode(), {
        "Content-Type": "application/cloudevents+json", "Authorization": "Bearer " + TOKEN})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}


def send(body):
    """Tries again for some minutes, with growing pauses, while trying again may help."""
    for attempt in range(10):
        status, answer = post(body)
        if 0 < status < 500 and status != 429:
            return status, answer
        time.sleep(min(30, 0.2 * 2**attempt) * random.uniform(0.5, 1.5))
    sys.exit("the engine does not answer; run this again later with the same orders")


refused = 0
for line in sys.stdin:
    status, answer = send(event(json.loads(line)))
    if status in (200, 201):
        print(answer["status"], flush=True)
    elif status == 422:
        refused += 1
        print("refused", answer["rule"], answer.get("field", ""), flush=True)
    else:
        sys.exit(f"{status} {answer.get('title')}: {answer.get('detail')}")
sys.exit(1 if refused else 0)

#!/usr/bin/env bash
# Records the captures beside this file: real programs, recorded by tcpdump. Needs root, tcpdump, curl, nginx, haproxy,
# tinyproxy, chromium, iptables, and a Python with websockets. `record.sh NAME...` records some of them again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
python=${PYTHON:-python3}
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    ip netns del record-a 2>/dev/null || true
    ip netns del record-b 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

# Two hosts: programs in record-b serve those in record-a.
ip netns add record-a
ip netns add record-b
ip link add va netns record-a type veth peer name vb netns record-b
ip -n record-a addr add 10.99.0.1/24 dev va
ip -n record-b addr add 10.99.0.2/24 dev vb
ip -n record-b addr add fd00::2/64 dev vb nodad
ip -n record-a addr add fd00::1/64 dev va nodad
for each in a b; do
    ip -n record-$each link set v$each up
    ip -n record-$each link set lo up
done
# Segments as small as on a wire, so that many are lost.
ip -n record-b link set vb gso_max_size 1500
client() { ip netns exec record-a "$@"; }
server() { ip netns exec record-b "$@"; }

mkdir "$work/site"
echo '<!doctype html><link rel=stylesheet href=/style.css><script src=/script.js></script><h1>hi</h1>' >"$work/site/index.html"
echo 'h1 { color: green }' >"$work/site/style.css"
echo 'fetch("/missing.json", {method: "POST", body: "{}"})' >"$work/site/script.js"
head -c 60000 /dev/zero | tr '\0' 'x' >"$work/site/large.txt"
chmod -R a+rX "$work"
cat >"$work/nginx.conf" <<END
daemon off; pid $work/nginx.pid; error_log $work/nginx.log; events {}
http { access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f;
  uwsgi_temp_path $work/u; scgi_temp_path $work/s;
  server { listen 8080; listen [::]:8080; root $work/site;
    location /put { return 200 "stored"; } location /empty { return 204; } } }
END
cat >"$work/haproxy.cfg" <<END
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend in
  bind :8081
  default_backend out
backend out
  server one 127.0.0.1:8080
END
cat >"$work/tinyproxy.conf" <<END
Port 8082
Listen 10.99.0.2
Timeout 20
ConnectPort 8080
END
cat >"$work/echo.py" <<END
import asyncio, sys, websockets
async def echo(socket):
    async for message in socket:
        await socket.send(message)
async def serve():
    async with websockets.serve(echo, "10.99.0.2", 8083):
        await asyncio.sleep(60)
async def talk():
    async with websockets.connect("ws://10.99.0.2:8083/chat") as socket:
        await socket.send("hello")
        await socket.recv()
asyncio.run(serve() if sys.argv[1] == "serve" else talk())
END
ip netns exec record-b nginx -c "$work/nginx.conf" -p "$work" & pids+=($!)
ip netns exec record-b haproxy -f "$work/haproxy.cfg" & pids+=($!)
ip netns exec record-b tinyproxy -d -c "$work/tinyproxy.conf" >/dev/null & pids+=($!)
ip netns exec record-b "$python" "$work/echo.py" serve & pids+=($!)
sleep 2

# capture NAME HOST INTERFACE: record what `talk_NAME` makes the programs say.
capture() {
    [ ${#wanted[@]} = 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]] || return 0
    ip netns exec "record-$2" tcpdump -Z root -i "$3" -U -w "$work/$1.pcap" tcp 2>/dev/null &
    local tcpdump=$!
    sleep 1
    "talk_$1" >/dev/null 2>&1 || true
    sleep 1
    kill "$tcpdump"
    wait "$tcpdump" 2>/dev/null || true
    cp "$work/$1.pcap" "$here/$1.pcap"
}
wanted=("$@")

talk_curl() {
    client curl -s http://10.99.0.2:8080/ http://10.99.0.2:8080/none http://10.99.0.2:8080/empty
    client curl -sI http://10.99.0.2:8080/
    client curl -s -H 'Expect: 100-continue' -d hello http://10.99.0.2:8080/put
    client curl -s -g 'http://[fd00::2]:8080/style.css'
}
talk_haproxy() { client curl -s http://10.99.0.2:8081/ http://10.99.0.2:8081/style.css; }
talk_websocket() { client "$python" "$work/echo.py" talk; }
talk_tunnel() {
    client curl -sp -x http://10.99.0.2:8082 http://10.99.0.2:8080/
    client curl -sp -x http://10.99.0.2:8082 http://10.99.0.2:8081/
}
talk_browser() {
    client timeout 15 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --user-data-dir="$work/profile" \
        --virtual-time-budget=3000 --dump-dom http://10.99.0.2:8080/
}
talk_loss() {
    # The kernel drops every fourth packet, in both directions, so that much is sent again and out of order.
    client iptables -A INPUT -p tcp -m statistic --mode random --probability 0.25 -j DROP
    server iptables -A INPUT -p tcp -m statistic --mode random --probability 0.25 -j DROP
    client timeout 20 curl -s http://10.99.0.2:8080/large.txt http://10.99.0.2:8080/style.css
    client iptables -F
    server iptables -F
}

capture curl a any
capture haproxy b any
capture websocket a va
capture tunnel a va
capture browser a va
capture loss a va

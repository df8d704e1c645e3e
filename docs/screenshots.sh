#!/usr/bin/env bash
# Draws the pictures of the dashboard that README shows, from the demo's day:
#
#   cargo build --release && docs/screenshots.sh target/release/payhookd
#
# Needs Chromium and chromedriver (Debian: chromium, chromium-driver), curl, jq and base64.
set -euo pipefail
program=${1:?the payhookd to draw}
docs=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

"$program" demo >"$work/demo" &
# What is told of orphans is told after ten seconds.
until grep -q 'log in with' "$work/demo"; do sleep 1; done
sleep 15
read -r url _ _ _ token < <(grep 'log in with' "$work/demo")

chromedriver --port=0 >"$work/driver" &
until grep -q 'started successfully on port' "$work/driver"; do sleep 0.2; done
driver=http://127.0.0.1:$(grep -o 'on port [0-9]*' "$work/driver" | tail -1 | grep -o '[0-9]*')

say() { # method path [body]
    curl --silent --fail --show-error -X "$1" -H 'content-type: application/json' \
        "$driver$2" ${3:+--data-binary "$3"}
}

session=$(say POST /session "$(jq -n --arg profile "--user-data-dir=$work/profile" '
    {capabilities: {alwaysMatch: {browserName: "chrome", "goog:chromeOptions": {
        prefs: {"intl.accept_languages": "en"},
        args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync",
               "--hide-scrollbars", $profile]}}}}')" | jq -r .value.sessionId)
at=/session/$session
devtools() { say POST "$at/goog/cdp/execute" "$(jq -n --arg cmd "$1" --argjson params "$2" '{cmd: $cmd, params: $params}')"; }
open() { say POST "$at/url" "$(jq -n --arg url "$url$1" '{url: $url}')" >"$work/answer"; }
draw() { # file path width height theme
    devtools Emulation.setDeviceMetricsOverride \
        "{\"width\": $3, \"height\": $4, \"deviceScaleFactor\": 1, \"mobile\": false}" >"$work/answer"
    devtools Emulation.setEmulatedMedia \
        "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"$5\"}]}" >"$work/answer"
    open "$2"
    say GET "$at/screenshot" | jq -r .value | base64 --decode >"$docs/$1"
    echo "$docs/$1"
}

open login
say POST "$at/execute/sync" "$(jq -n --arg token "$token" '{args: [$token], script:
    "document.getElementById(\"token\").value = arguments[0]; document.querySelector(\"form\").submit()"}')" \
    >"$work/answer"
until [ "$(say GET "$at/url" | jq -r .value)" = "$url" ]; do sleep 0.2; done
draw dashboard-overview.png "" 1280 800 light
draw dashboard-orphans.png orphans 390 760 dark
say DELETE "$at" >"$work/answer"

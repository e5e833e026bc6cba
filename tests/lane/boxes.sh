# Real middle boxes between the program and a registry: Debian's squid with the rules it comes with, nginx, HAProxy.
# Sourced, never run; needs registry.sh. What is here of one lies where registry.sh expects it: address_of and
# stop_registry work.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# No proxy is used for loopback, so registries behind one go by this name, which squid alone can resolve. The whole of
# 127.0.0.0/8 is this machine, and few things listen on port 443 of this address: tunnels go to no other.
box_name=registry.lane
box_address=127.83.27.4

# free_port: one that was free a moment ago.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# box_place NAME: its directory, empty, and its port in $port.
box_place() {
  place=$work/registries/$1
  rm -rf "$place"
  mkdir -p "$place/tmp"
  port=$(free_port)
}

# start_box NAME COMMAND…: in the foreground, until it listens on $port.
start_box() {
  local turn
  place=$work/registries/$1
  shift
  "$@" >>"$place/out" 2>>"$place/log" </dev/null &
  echo $! >"$place/pid"
  for ((turn = 0; turn < 400; turn++)); do
    if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "127.0.0.1:$port" >"$place/address"
      return 0
    fi
    is_running "$(<"$place/pid")" || break
    sleep 0.05
  done
  echo "$1 does not listen; its log:" >&2
  tail -n 20 "$place/log" "$place/out" >&2
  return 1
}

# squid gives root away and refuses to keep it, so what it reads and writes lies where everybody gets to.
squid_place=$(mktemp -d /tmp/bundle-squid.XXXXXX)
chmod a+rwx "$squid_place"
# What names its shared memory: without a name of their own two would meet there, and one that was killed stay.
squid_service=lane$$

# It takes its time to say goodbye, and there is nothing of it to keep.
stop_squid() {
  local place=$work/registries/squid
  [[ ! -f $place/pid ]] || kill -9 "$(<"$place/pid")" 2>/dev/null || true
  rm -rf "$place"
  rm -f "$squid_place"/* "/dev/shm/$squid_service"-*.shm
}

stop_boxes() {
  stop_squid
  stop_scene
}

remove_boxes() {
  stop_squid
  stop_all_registries
  rm -rf "$squid_place"
}

# start_squid [LINE…]: Debian's own rules, and these lines before them. By those rules tunnels go to port 443, and
# requests come from this machine.
start_squid() {
  local port place
  box_place squid
  printf '127.0.0.1 %s\n%s secure.%s\n' "$box_name" "$box_address" "$box_name" >"$squid_place/hosts"
  {
    [[ $# == 0 ]] || printf '%s\n' "$@"
    sed 's/^http_port .*//' /etc/squid/squid.conf
    printf 'http_port 127.0.0.1:%s\nhosts_file %s\npid_filename none\n' "$port" "$squid_place/hosts"
    printf 'access_log stdio:%s\ncache_log %s\n' "$squid_place/access" "$squid_place/log"
    # It ends when it is told to.
    printf 'coredump_dir %s\nshutdown_lifetime 0 seconds\n' "$squid_place"
  } >"$squid_place/squid.conf"
  start_box squid squid -N -d 1 -n "$squid_service" -f "$squid_place/squid.conf"
}

# start_nginx NAME BACKEND [LINE…]: in front of the registry at BACKEND, with these lines in its `server`; `http:` before a
# line puts it a level up. cert=FILE key=FILE: TLS, on port 443 of $box_address too.
start_nginx() {
  local name=$1 backend=$2 line above="" lines="" cert="" key="" cap="" port place
  shift 2
  box_place "$name"
  for line; do
    case $line in
      http:*) above+="${line#http:}"$'\n' ;;
      cert=*) cert=${line#cert=} ;;
      key=*) key=${line#key=} ;;
      client_max_body_size*) cap=$line ;;
      *) lines+="$line"$'\n' ;;
    esac
  done
  # Its workers stay who we are, since they write into a place that is ours alone.
  local user=""
  [[ $(id -u) != 0 ]] || user="user root;"
  local tls="" listen="listen 127.0.0.1:$port;"
  if [[ -n $cert ]]; then
    listen="listen 127.0.0.1:$port ssl; listen $box_address:443 ssl;"
    tls="ssl_certificate $cert; ssl_certificate_key $key;"
  fi
  cat >"$place/nginx.conf" <<CONFIG
daemon off;
$user
worker_processes 1;
pid $place/tmp/pid;
error_log $place/log;
events { worker_connections 512; }
http {
  access_log $place/access;
  client_body_temp_path $place/tmp/body;
  proxy_temp_path $place/tmp/proxy;
  fastcgi_temp_path $place/tmp/fastcgi;
  uwsgi_temp_path $place/tmp/uwsgi;
  scgi_temp_path $place/tmp/scgi;
  $above
  server {
    $listen
    $tls
    proxy_http_version 1.1;
    proxy_set_header Host \$http_host;
    proxy_set_header X-Forwarded-Proto \$scheme;
    $lines
    # Without it nginx takes no body of more than a mebibyte.
    ${cap:-client_max_body_size 0;}
    location / { proxy_pass http://$backend; }
  }
}
CONFIG
  start_box "$name" nginx -c "$place/nginx.conf"
}

# start_haproxy NAME BACKEND [LINE…]: in front of the registry at BACKEND, with these lines in its front end.
start_haproxy() {
  local name=$1 backend=$2 port place
  shift 2
  box_place "$name"
  {
    printf 'global\n  maxconn 200\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n'
    printf 'frontend lane\n  bind 127.0.0.1:%s\n  default_backend registry\n' "$port"
    [[ $# == 0 ]] || printf '  %s\n' "$@"
    printf 'backend registry\n  server one %s\n' "$backend"
  } >"$place/haproxy.cfg"
  start_box "$name" haproxy -db -f "$place/haproxy.cfg"
}

#!/bin/bash
# Real Keystone, Glance and Nova API on loopback, from PyPI, with sqlite and uwsgi.
# Idempotent: a second run starts only services that are not running.  `down.sh --wipe && up.sh` gives a fresh stack.
# A second nova-api is of 2023.1, in front of the same Glance and Keystone, with databases of its own.
# Nova has no compute host here: its API answers, servers cannot boot.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
STACK=$HERE/stack
mkdir -p "$VAR"/{glance-images,glance-tasks,glance-staging,lock,nova,nova-old} "$ETC"/{nova,nova-old} "$LOG" "$RUN"

# ---------------------------------------------------------------- packages
GLANCE=33.0.0
together() {  # together NAME...: runs these in parallel, and fails if one of them fails
  local pids=() pid failed=0
  for name in "$@"; do $name & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}
install() {  # install VENV CONSTRAINTS MODULES PACKAGE...
  local venv=$1 constraints=$2 modules=$3; shift 3
  "$venv/bin/python" -c "import $modules" 2>/dev/null && return
  say "installing into $venv"
  "$PYTHON" -m venv --clear "$venv"
  "$venv/bin/pip" install -q -c "$STACK/$constraints" "$@"
}
packages() { install "$VENV" constraints.txt "nova, glance, keystone, pyuwsgi" keystone glance nova pyuwsgi; }
packages_old() { install "$VENV_OLD" constraints-antelope.txt "nova, pyuwsgi" nova pyuwsgi; }
together packages packages_old
# Distributions install this schema of common properties; the wheel lacks it, the sdist has it.
if [ ! -s "$VENV/etc/glance/schema-image.json" ]; then
  D=$(mktemp -d)
  "$VENV/bin/pip" download -q --no-deps --no-binary glance -d "$D" "glance==$GLANCE"
  tar -xzf "$D/glance-$GLANCE.tar.gz" -C "$D" "glance-$GLANCE/etc/schema-image.json"
  cp "$D/glance-$GLANCE/etc/schema-image.json" "$VENV/etc/glance/"
  rm -rf "$D"
fi

# ---------------------------------------------------------------- configuration
cat > "$ETC/keystone.conf" <<EOC
[DEFAULT]
log_file = $LOG/keystone.log
use_stderr = false
public_endpoint = http://127.0.0.1:$KEYSTONE_PORT/
[database]
connection = sqlite:///$VAR/keystone.db
[token]
provider = fernet
# 60 days, so that tokens stay valid on a stack that is left running.
expiration = 5184000
[fernet_tokens]
key_repository = $VAR/fernet-keys
[credential]
key_repository = $VAR/credential-keys
[oslo_messaging_notifications]
driver = noop
EOC

authtoken() {  # authtoken USER
cat <<EOC
[keystone_authtoken]
www_authenticate_uri = $OS_AUTH_URL
auth_url = $OS_AUTH_URL
auth_type = password
user_domain_name = Default
project_domain_name = Default
project_name = service
username = $1
password = $SERVICE_PW
service_token_roles_required = true
interface = public
region_name = RegionOne
EOC
}

# Glance reads glance-api.conf of one directory, so each process has its own directory.
glance_conf() {  # glance_conf NAME URL [LINE]
mkdir -p "$ETC/$1" "$VAR/$1-cache"
cp "$VENV/etc/glance/schema-image.json" "$ETC/$1/"
cat > "$ETC/$1/glance-api.conf" <<EOC
[DEFAULT]
log_file = $LOG/$1.log
use_stderr = false
transport_url = fake://
enabled_backends = fs:file
node_staging_uri = file://$VAR/glance-staging
# The start-up check of Glance's image cache needs Glance's own address.
worker_self_reference_url = $2
image_cache_dir = $VAR/$1-cache
${3:-}
[database]
connection = sqlite:///$VAR/glance.db
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = $VAR/glance-images
[os_glance_tasks_store]
filesystem_store_datadir = $VAR/glance-tasks
[os_glance_staging_store]
filesystem_store_datadir = $VAR/glance-staging
[paste_deploy]
flavor = keystone
config_file = $VENV/etc/glance/glance-api-paste.ini
[oslo_messaging_notifications]
driver = noop
[oslo_concurrency]
lock_path = $VAR/lock
$(authtoken glance)
EOC
}
glance_conf glance "$GLANCE_URL"
# At most 50 images per page, whatever limit is requested: a short page is not the end of a list.
glance_conf glance-lowcap "$GLANCE_LOWCAP_URL" "api_limit_max = 50"

nova_conf() {  # nova_conf NAME VENV
cat > "$ETC/$1/nova.conf" <<EOC
[DEFAULT]
log_file = $LOG/$1.log
use_stderr = false
transport_url = fake://
state_path = $VAR/$1
host = openstack-test
my_ip = 127.0.0.1
[api]
auth_strategy = keystone
[api_database]
connection = sqlite:///$VAR/$1_api.db
[database]
connection = sqlite:///$VAR/$1_cell.db
[glance]
api_servers = $GLANCE_URL
[wsgi]
api_paste_config = $ETC/$1/api-paste.ini
[oslo_concurrency]
lock_path = $VAR/lock
[oslo_messaging_notifications]
driver = noop
$(authtoken nova)
EOC
cp "$2/etc/nova/api-paste.ini" "$ETC/$1/api-paste.ini"
}
nova_conf nova "$VENV"
nova_conf nova-old "$VENV_OLD"
# The differences between the setups of compare.py, each a second nova-api: what Glance answers, and where links lead.
for n in nova nova-old; do
  printf '[glance]\napi_servers = http://127.0.0.1:%s\n' "$FAULTY_PORT" > "$ETC/$n/faulty.conf"
done
printf '[glance]\napi_servers =\n' > "$ETC/nova/catalog.conf"
printf '[api]\ncompute_link_prefix = https://compute.example.com/pfx\nglance_link_prefix = https://image.example.com/ipfx\n' > "$ETC/nova/prefix.conf"
printf '[api]\nmax_limit = 5\n[oslo_middleware]\nenable_proxy_headers_parsing = true\n' > "$ETC/nova/maxlim.conf"

# ---------------------------------------------------------------- databases
once() { [ -e "$VAR/.$1-done" ] || { say "$1 database"; "db_$1" >>"$LOG/$1.setup.log" 2>&1 || { tail "$LOG/$1.setup.log" >&2; exit 1; }; touch "$VAR/.$1-done"; }; }
db_keystone() {
  local ks="$VENV/bin/keystone-manage --config-file $ETC/keystone.conf" me
  me=$(id -un)
  $ks db_sync &&
  (umask 077; mkdir -p "$VAR/fernet-keys" "$VAR/credential-keys") &&
  $ks fernet_setup --keystone-user "$me" --keystone-group "$(id -gn)" &&
  $ks credential_setup --keystone-user "$me" --keystone-group "$(id -gn)" &&
  $ks bootstrap --bootstrap-password "$ADMIN_PW" --bootstrap-region-id RegionOne \
      --bootstrap-admin-url "$OS_AUTH_URL" --bootstrap-internal-url "$OS_AUTH_URL" \
      --bootstrap-public-url "$OS_AUTH_URL"
}
db_glance() { "$VENV/bin/glance-manage" --config-file "$ETC/glance/glance-api.conf" db_sync; }
nova_db() {  # nova_db NAME VENV
  local nm="env PYTHONWARNINGS=ignore $2/bin/nova-manage --config-file $ETC/$1/nova.conf"
  $nm api_db sync &&
  $nm cell_v2 map_cell0 --database_connection "sqlite:///$VAR/$1_cell0.db" &&
  $nm db sync &&
  $nm cell_v2 create_cell --name cell1 --transport-url fake:// --database_connection "sqlite:///$VAR/$1_cell.db"
}
db_nova() { nova_db nova "$VENV"; }
db_nova_old() { nova_db nova-old "$VENV_OLD"; }
together "once keystone" "once glance" "once nova" "once nova_old"

# ---------------------------------------------------------------- services
# serve NAME PORT PROCESSES VENV APPLICATION [ENV=VALUE...], where APPLICATION is an option of uwsgi's
serve() {
  local name=$1 port=$2 procs=$3 venv=$4 application=$5; shift 5
  if alive "$name"; then say "$name already runs"; return; fi
  rm -f "$RUN/$name.pid"
  say "starting $name on $port"
  env "$@" "$venv/bin/uwsgi" \
    --http-socket "127.0.0.1:$port" --http-chunked-input --add-header "Connection: close" \
    "$application" --master --processes "$procs" --threads 1 --enable-threads \
    --lazy-apps --need-app --die-on-term --buffer-size 65535 --so-keepalive \
    --pyargv "" --procname-prefix-spaced "openstack-test-$name" \
    --req-logger "file:$LOG/$name.access.log" --logger "file:$LOG/$name.uwsgi.log" \
    --pidfile "$RUN/$name.pid" >>"$LOG/$name.uwsgi.log" 2>&1 < /dev/null &
  disown
}
serve keystone "$KEYSTONE_PORT" 2 "$VENV" --module=keystone.wsgi.api:application OS_KEYSTONE_CONFIG_FILES="$ETC/keystone.conf"
answers keystone "$OS_AUTH_URL" 90
say "keystone content"
"$VENV/bin/python" "$STACK/keystone_setup.py" --auth-url "$OS_AUTH_URL" \
    --admin-password "$ADMIN_PW" --service-password "$SERVICE_PW" --tenant-password "$TENANT_PW" \
    --glance-url "$GLANCE_URL" --nova-url "$NOVA_URL" --proxy-url "$PROXY_URL" --checking-url "$PROXY_CHECKING_URL" \
    --keystone-db "$VAR/keystone.db" --glance-db "$VAR/glance.db" > "$VAR/env.json.new"
mv "$VAR/env.json.new" "$VAR/env.json"

glance() { serve "$1" "$2" "$3" "$VENV" --module=glance.wsgi.api:application OS_GLANCE_CONFIG_DIR="$ETC/$1"; }
nova() {  # nova NAME DIRECTORY PORT PROCESSES [FILE]
  local venv=$VENV application=--module=nova.wsgi.osapi_compute:application
  [ "$2" = nova ] || { venv=$VENV_OLD application=--wsgi-file=$VENV_OLD/bin/nova-api-wsgi; }
  serve "$1" "$3" "$4" "$venv" "$application" OS_NOVA_CONFIG_DIR="$ETC/$2" OS_NOVA_CONFIG_FILES="api-paste.ini;nova.conf${5:+;$5}"
}
glance glance        "$GLANCE_PORT"        3
glance glance-lowcap "$GLANCE_LOWCAP_PORT" 1
nova nova     nova     "$NOVA_PORT"     2
nova nova-old nova-old "$NOVA_OLD_PORT" 2
answers glance "$GLANCE_URL/" 120
answers glance-lowcap "$GLANCE_LOWCAP_URL/" 120
answers nova "$NOVA_URL/" 120
answers nova-old "$NOVA_OLD_URL/" 120
nova nova-faulty     nova     "$((SPARE_PORT + 1))" 1 faulty.conf
nova nova-old-faulty nova-old "$((SPARE_PORT + 2))" 1 faulty.conf
nova nova-catalog    nova     "$((SPARE_PORT + 3))" 1 catalog.conf
nova nova-prefix     nova     "$((SPARE_PORT + 4))" 1 prefix.conf
nova nova-maxlim     nova     "$((SPARE_PORT + 5))" 1 maxlim.conf
for n in 1:nova-faulty 2:nova-old-faulty 3:nova-catalog 4:nova-prefix 5:nova-maxlim; do
  answers "${n#*:}" "http://127.0.0.1:$((SPARE_PORT + ${n%%:*}))/" 120
done
say "stack is up; ids and tokens in $VAR/env.json"

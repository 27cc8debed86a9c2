#!/bin/sh
# Gathers what `observatory discover --from FILE` reads, on a host where one may only log in by hand. It needs a POSIX shell, the `docker`
# command and base64, changes nothing, and writes one file. That file holds passwords as they are: keep it to yourself, and remove it after.
#
#   sh gather.sh [FILE]        then, elsewhere:  observatory discover --from FILE
#
# DOCKER names another command, for example `DOCKER=podman` or `DOCKER='sudo docker'`.
set -u
umask 077
out=${1:-observatory-gathered.txt}
docker=${DOCKER:-docker}
largest=1100000
work=$(mktemp) || exit 1
trap 'rm -f "$work"' EXIT

$docker version >/dev/null 2>"$work" || {
    echo "the engine does not answer to \`$docker\`: $(cat "$work")" >&2
    exit 1
}

# One file or folder of a container as a tar archive in base64.
take() {
    $docker cp "$1:$2" - 2>/dev/null | head -c "$largest" >"$work"
    size=$(wc -c <"$work")
    if [ "$size" -ge "$largest" ]; then
        printf '@large %s %s\n' "$1" "$2"
    elif [ "$size" -gt 0 ]; then
        printf '@files %s %s\n' "$1" "$2"
        base64 <"$work"
    fi
}

# Lines that are paths of settings, alone or behind a flag or a variable.
settings() {
    sed 's/^[^=]*=\//\//' | while IFS= read -r path; do
        case $path in
        /proc/* | /sys/* | /dev/* | /run/* | /var/run/*) ;;
        /*.yml | /*.yaml | /*.json | /*.toml | /*.ini | /*.conf | /*.cfg | /*.cnf | /*.config | /*.env | /*.properties | \
            /*.rules | /*.xml | /*.alloy | /*.hcl | /*.tmpl | /*.sh) printf '%s\n' "$path" ;;
        esac
    done
}

# Where settings of a container may be.
places() {
    $docker inspect --format '{{range .Mounts}}{{.Type}}:{{.Source}}:{{.Destination}}{{println}}{{end}}' "$1" |
        while IFS=: read -r kind source target; do
            case $kind:$source in
            bind:/ | bind:/proc* | bind:/sys* | bind:/dev* | bind:/run* | bind:/var/run* | bind:/var/lib/docker* | bind:*.sock | tmpfs:*) ;;
            bind:* | volume:*) printf '%s\n' "$target" ;;
            esac
        done
    $docker inspect --format '{{range .Args}}{{println .}}{{end}}{{range .Config.Env}}{{println .}}{{end}}' "$1" | settings
    $docker diff "$1" 2>/dev/null | sed -n 's/^[AC] //p' | while IFS= read -r path; do
        case $path in
        /etc/hosts | /etc/hostname | /etc/resolv.conf | /etc/mtab | /etc | /opt | /srv | /config | /conf | /usr/local/etc) ;;
        /etc/* | /opt/* | /srv/* | /config/* | /conf/* | /usr/local/etc/*) printf '%s\n' "$path" ;;
        *) printf '%s\n' "$path" | settings ;;
        esac
    done
    # One look into /etc is quicker than one for each place in it.
    $docker cp "$1:/etc" - 2>/dev/null | tar -tf - >"$work" 2>/dev/null
    for path in @WELL_KNOWN@; do
        case $path in
        /etc/*) ! grep -q "^${path#/}" "$work" || printf '%s\n' "$path" ;;
        *) printf '%s\n' "$path" ;;
        esac
    done
}

gather() {
    echo '@gathered 1'
    echo '@version'
    $docker version --format '{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}'
    containers=$($docker ps --all --quiet --no-trunc)
    networks=$($docker network ls --quiet --no-trunc)
    volumes=$($docker volume ls --quiet)
    echo '@containers'
    [ -z "$containers" ] || $docker inspect $containers
    echo '@networks'
    [ -z "$networks" ] || $docker network inspect $networks
    echo '@volumes'
    [ -z "$volumes" ] || $docker volume inspect $volumes
    for image in $(for id in $containers; do $docker inspect --format '{{.Image}}' "$id"; done | sort -u); do
        echo '@images'
        $docker image inspect "$image" 2>/dev/null
    done
    for id in $containers; do
        echo "@changes $id"
        $docker diff "$id" 2>/dev/null
        places "$id" | sort -u | while IFS= read -r path; do
            take "$id" "$path" </dev/null
        done
    done
    echo '@end'
}

gather >"$out" || exit 1
echo "written to $out, which holds passwords as they are" >&2

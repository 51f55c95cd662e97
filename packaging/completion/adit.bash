# SPDX-License-Identifier: Apache-2.0
# Written by packaging/completion/generate from `adit help --json`.
# shellcheck shell=bash
_adit() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} options='' files='' folders='' programs='' values='' i
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'login service token run call decode status logout help --help --version' -- "$word")
		return
	fi
	if [ "$COMP_CWORD" -eq 2 ]; then
		case $command in
		service) mapfile -t COMPREPLY < <(compgen -W 'set verify rotate forget' -- "$word") && return ;;
		help) mapfile -t COMPREPLY < <(compgen -W 'login service token run call decode status logout help' -- "$word") && return ;;
		esac
	fi
	case $command in service) command+=" ${COMP_WORDS[2]}" ;; esac
	case $command in
	login)
		options='-d --device --no-browser --qr -a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	'service set')
		options='-u --username --password-fd --password-file --password-systemd --password-exec -a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--password-file --ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		programs='--password-exec'
		values='-u --username --password-fd --password-systemd -a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	'service verify')
		options='-a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	'service rotate')
		options='--password-fd --password-file --password-systemd --password-exec -a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--password-file --ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		programs='--password-exec'
		values='--password-fd --password-systemd -a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	'service forget')
		options='-a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	token)
		options='-H --header -m --min-ttl -a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-m --min-ttl -a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	run)
		options='-a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	call)
		options='-d --data-file --content-type -i --include -a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='-d --data-file --ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='--content-type -a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	decode)
		options='--verify -a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='--verify -a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	status)
		options='-a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	logout)
		options='-a --account -c --client-id -s --scope --state-dir --storage-key --plaintext --ca-file -E --cert --cert-key --assertion-key --assertion-kid --assertion-audience -x --proxy -t --timeout -v --verbose -j --json -h --help'
		files='--ca-file -E --cert --cert-key --assertion-key'
		folders='--state-dir'
		values='-a --account -c --client-id -s --scope --storage-key --assertion-kid --assertion-audience -x --proxy -t --timeout'
		;;
	*) return ;;
	esac
	case $command in run)
		# Behind "--" stands another program with completions of its own.
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" = -- ] || continue
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			else
				mapfile -t COMPREPLY < <(compgen -c -f -- "$word")
			fi
			return
		done
		;;
	esac
	case " $files " in *" $before "*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word") && return
		;;
	esac
	case " $folders " in *" $before "*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$word") && return
		;;
	esac
	case " $programs " in *" $before "*)
		mapfile -t COMPREPLY < <(compgen -c -- "$word") && return
		;;
	esac
	case " $values " in *" $before "*) return ;; esac
	case $word in -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;; esac
}
complete -F _adit adit

# SPDX-License-Identifier: Apache-2.0
# Written by tools/command_pages.py from the command line's own tables.

declare -gA _pgood_words=(
  ['pgood']='demo run setup check wire arm disarm user status events trends energy when power chassis emergency-off domains operations audit policies override health metrics lines adapters call sim config fleet coordinator --help --version'
  ['pgood demo']='--help --state-dir --ipmi --mqtt-port --broker --profile --config --simulated --observe --keep-world --verbose'
  ['pgood run']='--help --profile --config --state-dir --ipmi --broker --simulated --observe --keep-world --verbose'
  ['pgood setup']='--help --site --state-dir --state --profile --chip --bus --supply-address --supply-rated-w --ipmi --node --user --password-file --mqtt --mqtt-user --mqtt-password-file --mqtt-ca --mqtt-untested --yes --no-input --dry-run'
  ['pgood check']='--help --quiet'
  ['pgood wire']='--help --yes --watch --state-dir'
  ['pgood arm']='--help --state-dir'
  ['pgood disarm']='--help --state-dir'
  ['pgood user']='init list add passwd priv enable disable delete --help'
  ['pgood user init']='--help --name --state-dir'
  ['pgood user list']='--help --json --state-dir'
  ['pgood user add']='--help --privilege --stdin --state-dir'
  ['pgood user passwd']='--help --random --state-dir'
  ['pgood user priv']='none callback user operator administrator --help --state-dir'
  ['pgood user enable']='--help --state-dir'
  ['pgood user disable']='--help --state-dir'
  ['pgood user delete']='--help --state-dir'
  ['pgood status']='--help --json --state-dir'
  ['pgood events']='--help --follow --latest --json --redfish --state-dir'
  ['pgood trends']='--help --span --json --state-dir'
  ['pgood energy']='boost forecast what-if report test-data --help --json --state-dir'
  ['pgood energy boost']='--help --seconds --watts --state-dir'
  ['pgood energy forecast']='--help --hours --json --state-dir'
  ['pgood energy what-if']='--help --zone --load --cap --ambient --lost-of-fans --json --state-dir'
  ['pgood energy report']='--help --hours --json --state-dir'
  ['pgood energy test-data']='--help --signal --day --zone --seed --form --directory'
  ['pgood when']='--help --duration --before --signal --min-saving --json --state-dir'
  ['pgood power']='cycle force-off nmi off on reset soft soft-off --help --force --state-dir'
  ['pgood chassis']='on off --help --now --force --state-dir'
  ['pgood emergency-off']='--help --reason --state-dir'
  ['pgood domains']='list on off --help --json --state-dir'
  ['pgood operations']='--help --active --abort --latest --json --state-dir'
  ['pgood audit']='--help --latest --json --state-dir'
  ['pgood policies']='--help --json --state-dir'
  ['pgood override']='--help --reason --seconds --end --state-dir'
  ['pgood health']='--help --json --state-dir'
  ['pgood metrics']='--help --prometheus --state-dir'
  ['pgood lines']='run reset reset-statistics --help'
  ['pgood lines run']='--help --state-dir'
  ['pgood lines reset']='--help --state-dir'
  ['pgood lines reset-statistics']='--help --state-dir'
  ['pgood adapters']='check --help'
  ['pgood adapters check']='--help --options'
  ['pgood call']='--help --state-dir'
  ['pgood sim']='--help --state-dir'
  ['pgood config']='show set --help'
  ['pgood config show']='--help --origin --state-dir'
  ['pgood config set']='--help --state-dir'
  ['pgood fleet']='target --help --json --once --listen --config --url'
  ['pgood fleet target']='up down --help --segment --reason --automation --config --url'
  ['pgood coordinator']='explain check emergency status farm release --help --config --name --state-dir --verbose'
  ['pgood coordinator explain']='--help --json --state-dir'
  ['pgood coordinator check']='--help --config'
  ['pgood coordinator emergency']='over-consumption thermal grid cooling-failure on off --help --share --critical --for --state-dir'
  ['pgood coordinator status']='--help --json --state-dir'
  ['pgood coordinator farm']='--help --json --state-dir'
  ['pgood coordinator release']='--help --state-dir'
)

_pgood() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path=pgood word
  COMPREPLY=()
  case $previous in
    --config|--directory|--mqtt-ca|--mqtt-password-file|--password-file|--profile|--site|--state|--state-dir) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* && -n ${_pgood_words["$path $word"]+known} ]]; then path="$path $word"; fi
  done
  COMPREPLY=($(compgen -W "${_pgood_words[$path]}" -- "$current"))
  [[ ${#COMPREPLY[@]} -gt 0 || $current == -* ]] || compopt -o default
}
complete -F _pgood pgood

# Types an incomplete command line and the tab key into a zsh, and prints what its terminal then shows.
#   zsh -f offers.zsh FUNCTIONS LINE       FUNCTIONS is the folder with the completions
zmodload zsh/zpty
zpty typed "TERM=dumb zsh -f -i"
zpty -w typed "stty -echo cols 200 rows 50; PS1= LISTMAX=0"
zpty -w typed "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -D -u; print READY''NOW"
zpty -r -m typed started '*READYNOW*'
# Without a newline at the end, so that the line is not run.
zpty -w -n typed "$2"$'\t'
# It has shown everything when a second has passed without more.
shown= quiet=0
while (( quiet < 10 )); do
  sleep 0.1
  (( quiet += 1 ))
  while zpty -r -t typed part; do shown+=$part quiet=0; done
done
zpty -d typed
print -r -- "$shown"

" `:make` says all that is wrong with the file, and the quickfix list leads to each place.
if exists('current_compiler')
  finish
endif
let current_compiler = 'orch'

CompilerSet makeprg=orch\ check\ --color\ never\ %:S
CompilerSet errorformat=%Eerror[E%n]:\ %m,%Wwarning[W%n]:\ %m,%C%*\\s-->\ %f:%l:%c,%C%*\\s\|%.%#,%-G%.%#

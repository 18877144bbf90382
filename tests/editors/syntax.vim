" Tells what Vim makes of places in files: $ASKED holds [[file, [[line, column], …]], …] as JSON,
" $TOLD gets the groups at each place, outermost first, in the same order.
let &runtimepath = $ORCH_VIM . ',' . &runtimepath
filetype plugin indent on
syntax enable

let told = []
for [file, places] in json_decode(join(readfile($ASKED)))
  execute 'edit' fnameescape(file)
  for [line, column] in places
    call add(told, map(synstack(line, column), 'synIDattr(v:val, "name")'))
  endfor
endfor
call writefile([json_encode(told)], $TOLD)
quitall!

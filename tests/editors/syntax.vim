" Tells what Vim makes of files: for each one named in $FILES the pieces of each line, as
" [start, end, groups], written to $TOLD as JSON.
let &runtimepath = $ORCH_VIM . ',' . &runtimepath
filetype plugin indent on
syntax enable

function! Groups(line, column)
  return map(synstack(a:line, a:column), 'synIDattr(v:val, "name")')
endfunction

function! Line(number)
  let pieces = []
  let text = getline(a:number)
  for column in range(len(text))
    let groups = Groups(a:number, column + 1)
    if len(pieces) && pieces[-1][2] == groups
      let pieces[-1][1] = column + 1
    else
      call add(pieces, [column, column + 1, groups])
    endif
  endfor
  return pieces
endfunction

let told = []
for file in split($FILES, "\n")
  execute 'edit' fnameescape(file)
  call add(told, map(range(1, line('$')), 'Line(v:val)'))
endfor
call writefile([json_encode(told)], $TOLD)
quitall!

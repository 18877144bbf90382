" Indents the files named in $FILES anew, and writes them back.
let &runtimepath = $ORCH_VIM . ',' . &runtimepath
filetype plugin indent on
for file in split($FILES, "\n")
  execute 'edit' fnameescape(file)
  normal! gg=G
  write
endfor
quitall!

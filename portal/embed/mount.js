// mount

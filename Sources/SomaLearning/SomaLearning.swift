import Soma
